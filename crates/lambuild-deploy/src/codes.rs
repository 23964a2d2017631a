//! Every code that this crate gives to an error, with its explanation, as data.

use lambuild_lang::codes::Code;

/// All codes, in their order.
pub const ALL: &[Code] = &[
    Code {
        code: NO_RUNTIME,
        title: "a function without a runtime",
        text: "Lambda must know what starts the function. Programs that bring their own `bootstrap`, such as \
               those of Go and Rust, run on `provided.al2023`; others on their language's runtime.",
    },
    Code {
        code: NO_HANDLER,
        title: "a function without a handler",
        text: "A managed runtime must know what to call, such as `app.handler`: the function `handler` in the \
               file `app`. Only for `provided.*` there is a default, `bootstrap`.",
    },
    Code {
        code: NO_ROLE,
        title: "a function without a role",
        text: "Lambda runs a function with the rights of an IAM role. Give it in the function, or once for all \
               functions in the stage. It may hold `${NAME}` for what only the deploying machine knows.",
    },
    Code {
        code: ENVIRONMENT,
        title: "an environment of more than 4 KB",
        text: "Lambda keeps the variables of a function as one JSON text of at most 4096 bytes. Put what is \
               bigger into a file of the zip, or into a parameter store that the function reads.",
    },
    Code {
        code: WRONG_VALUE,
        title: "an attribute that cannot be deployed",
        text: "The value has another type than the attribute, or breaks a rule of the AWS API.",
    },
    Code {
        code: LATER,
        title: "something that this version does not carry out",
        text: "The attribute, or the secret, ARN or URL that is its value, is kept for a later version. It is refused now, since ignoring it would deploy \
               something else than the file says.",
    },
    Code {
        code: TOO_BIG,
        title: "a zip over 50 MB",
        text: "A zip that is sent with the call may have 52,428,800 bytes. Leave out what the function does \
               not need, or move what several functions share into a layer.",
    },
    Code {
        code: SAME_NAME,
        title: "two targets with one name in AWS",
        text: "Within an account and region a name stands for one function, and a layer's name for one layer: \
               each deployment would overwrite the other.",
    },
    Code {
        code: NO_SUCH_LAYER,
        title: "a layer that is not built for the function's architecture",
        text: "A function runs on one architecture, and its layers must be built for it: add it to the layer's \
               `architectures`, or run the function on another.",
    },
    Code {
        code: HOST_TOOLS,
        title: "a protected stage and programs of the machine",
        text: "A stage with `protected = true` takes only what every machine can build again. Programs that \
               `toolchain sh` takes from the machine may be others elsewhere, and what they make, too.",
    },
];

pub(crate) const NO_RUNTIME: &str = "E0901";
pub(crate) const NO_HANDLER: &str = "E0902";
pub(crate) const NO_ROLE: &str = "E0903";
pub(crate) const ENVIRONMENT: &str = "E0904";
pub(crate) const WRONG_VALUE: &str = "E0905";
pub(crate) const LATER: &str = "E0906";
pub(crate) const TOO_BIG: &str = "E0907";
pub(crate) const SAME_NAME: &str = "E0908";
pub(crate) const NO_SUCH_LAYER: &str = "E0909";
pub(crate) const HOST_TOOLS: &str = "E0910";
