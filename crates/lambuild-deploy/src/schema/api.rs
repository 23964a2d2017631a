//! How the members of the Lambda API stand to our attributes: what has another name, a
//! narrower range, or is left out, and why. What is not named here is an attribute of the
//! same name in snake case with the same limits; a test compares every member.
//!
//! `api/lambda-api.txt` lists the members as the pinned botocore has them.

/// A member of `CreateFunction` or `PublishLayerVersion` that is no attribute of the same
/// name with the same limits.
#[derive(Debug, Clone, Copy)]
pub struct Member {
    /// Its path in the API: `CreateFunction.VpcConfig`, with `[]` for the elements of a list,
    /// `{key}` and `{value}` for those of a map.
    pub path: &'static str,
    /// What it is with us.
    pub standing: Standing,
}

/// What a member of the API is with us.
#[derive(Debug, Clone, Copy)]
pub enum Standing {
    /// No attribute, nor anything below it; with the reason.
    LeftOut(&'static str),
    /// The attribute that its only member stands for.
    Unwrapped,
    /// The attribute of this name.
    Named(&'static str),
    /// A narrower range of numbers, lengths or items, both ends included; with the reason.
    Narrower {
        /// Smallest.
        min: i64,
        /// Largest.
        max: i64,
        /// Why.
        reason: &'static str,
    },
    /// An enum without these values; with the reason.
    Without {
        /// Those that are refused.
        values: &'static [&'static str],
        /// Why.
        reason: &'static str,
    },
    /// A text whose form allows less than its greatest length; with the form.
    Formed(&'static str),
}

const RUNTIMES: Standing = Standing::Without {
    values: &["provided", "go1.x", "custom"],
    reason: "Lambda has given up the first two; the third needs `RuntimeConfig`, which is left out",
};
const NAMES_ONLY: &str =
    "a name alone: region and account are the stage's, so the longer forms could only contradict";
const MANAGED: &str = "the quota of ordinary functions; the model's range is that of managed instances";

/// Every such member, in the order of the API.
pub const MEMBERS: &[Member] = &[
    member(
        "CreateFunction.FunctionName",
        Standing::Narrower {
            min: 1,
            max: 64,
            reason: NAMES_ONLY,
        },
    ),
    member("CreateFunction.Runtime", RUNTIMES),
    member(
        "CreateFunction.Code",
        Standing::LeftOut("what is built; lambuild sets it"),
    ),
    member(
        "CreateFunction.Timeout",
        Standing::Narrower {
            min: 1,
            max: 900,
            reason: MANAGED,
        },
    ),
    member(
        "CreateFunction.MemorySize",
        Standing::Narrower {
            min: 128,
            max: 10_240,
            reason: MANAGED,
        },
    ),
    member(
        "CreateFunction.PublishTo",
        Standing::LeftOut("only managed instances publish to `$LATEST.PUBLISHED`"),
    ),
    member(
        "CreateFunction.PackageType",
        Standing::LeftOut("always `Zip`: container images are not built"),
    ),
    member("CreateFunction.Environment", Standing::Unwrapped),
    member(
        "CreateFunction.Environment.Variables",
        Standing::Named("environment"),
    ),
    member(
        "CreateFunction.Layers",
        Standing::Narrower {
            min: 0,
            max: 5,
            reason: "the quota of the guide; the model has none",
        },
    ),
    member(
        "CreateFunction.FileSystemConfigs[].Arn",
        Standing::Formed("the identifiers at its end have a fixed length"),
    ),
    member(
        "CreateFunction.FileSystemConfigs[].S3FilesConfig",
        Standing::LeftOut("the script does not set it yet; Lambda's default holds"),
    ),
    member(
        "CreateFunction.CodeSigningConfigArn",
        Standing::LeftOut("a signature would have to be made after the build; not done yet"),
    ),
    member(
        "CreateFunction.ImageConfig",
        Standing::LeftOut("for container images only"),
    ),
    member("CreateFunction.Architectures", Standing::Unwrapped),
    member("CreateFunction.Architectures[]", Standing::Named("architecture")),
    member(
        "CreateFunction.EphemeralStorage.Size",
        Standing::Narrower {
            min: 512,
            max: 10_240,
            reason: MANAGED,
        },
    ),
    member(
        "CreateFunction.TenancyConfig",
        Standing::LeftOut("cannot be changed after creation, which the script does not handle yet"),
    ),
    member(
        "CreateFunction.CapacityProviderConfig",
        Standing::LeftOut("for managed instances only"),
    ),
    member(
        "CreateFunction.DurableConfig",
        Standing::LeftOut("durable functions are not supported yet"),
    ),
    member(
        "CreateFunction.RuntimeConfig",
        Standing::LeftOut("runtimes of one's own by ARN are not supported yet"),
    ),
    member(
        "CreateFunction.AcceleratorConfig",
        Standing::LeftOut("accelerators are not supported yet"),
    ),
    member(
        "PublishLayerVersion.LayerName",
        Standing::Narrower {
            min: 1,
            max: 140,
            reason: NAMES_ONLY,
        },
    ),
    member(
        "PublishLayerVersion.Description",
        Standing::Narrower {
            min: 0,
            max: 228,
            reason: "the rest of the 256 marks the content, by which a version is found again",
        },
    ),
    member(
        "PublishLayerVersion.Content",
        Standing::LeftOut("what is built; lambuild sets it"),
    ),
    member(
        "PublishLayerVersion.CompatibleArchitectures",
        Standing::LeftOut("what it is built for; lambuild sets it"),
    ),
    member("PublishLayerVersion.CompatibleRuntimes[]", RUNTIMES),
];

const fn member(path: &'static str, standing: Standing) -> Member {
    Member { path, standing }
}

#[cfg(test)]
mod tests;
