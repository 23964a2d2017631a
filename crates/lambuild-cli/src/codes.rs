//! Every code that this crate gives to a diagnostic, with its explanation, as data.

use lambuild_lang::codes::Code;

/// An action that makes something else when it is run again.
pub const DIFFERS: &str = "E1101";

/// All of them, with their explanations.
pub const ALL: &[Code] = &[Code {
    code: DIFFERS,
    title: "a step makes other bytes when it is run again",
    text: "`lambuild verify` ran this step twice with the same inputs and got two outputs. So what it makes depends on \
         something that is not in its key: the time, the folder, the user, an order, random numbers. Another machine would \
         build something else from the same commit, and whether a deploy changes anything would be a matter of luck. The \
         help says what is usually done about the cause that was found; docs/verify.md has more.",
}];
