//! Small deployments for the tests of this crate.

use crate::deployment::Deployment;
use crate::model::{
    Arch, Artifact, FileSystem, Function, FunctionSettings, Layer, LayerSettings, LayerUse, LoggingConfig,
    Stage, VpcConfig,
};
use std::collections::BTreeMap;

pub(crate) fn stage() -> Stage {
    Stage {
        name: "dev".to_owned(),
        region: "eu-west-1".to_owned(),
        account: None,
        role: Some("arn:aws:iam::111122223333:role/dev".to_owned()),
        tags: BTreeMap::new(),
        protected: false,
        allow_host_tools: false,
    }
}

/// A zip whose hashes are made up from its name.
pub(crate) fn artifact(name: &str) -> Artifact {
    Artifact {
        file: format!("zips/{name}.zip"),
        size: 1000,
        code_sha256: format!("{name}+sha256="),
        digest: format!("{name}-blake3"),
        host_tools: false,
    }
}

/// A function that uses the layer `:certs`.
pub(crate) fn function(name: &str, architecture: Arch) -> Function {
    let settings = FunctionSettings {
        function_name: format!("dev-{name}"),
        runtime: "provided.al2023".to_owned(),
        handler: "bootstrap".to_owned(),
        role: "arn:aws:iam::${ACCOUNT_ID}:role/dev".to_owned(),
        architecture,
        description: String::new(),
        timeout: 10,
        memory_size: 256,
        ephemeral_storage: 512,
        environment: BTreeMap::from([("TABLE".to_owned(), "orders".to_owned())]),
        layers: vec![LayerUse::Local(":certs".to_owned())],
        tracing_mode: "PassThrough".to_owned(),
        logging_config: None,
        vpc_config: None,
        dead_letter_target: None,
        file_systems: None,
        snap_start: None,
        kms_key_arn: None,
        tags: BTreeMap::new(),
        publish: false,
    };
    Function {
        address: format!(":{name}"),
        settings,
        artifact: artifact(name),
    }
}

/// A function that says something about everything.
pub(crate) fn full_function() -> Function {
    let mut function = function("full", Arch::X86_64);
    let settings = &mut function.settings;
    settings.description = "what it's for".to_owned();
    settings.layers.push(LayerUse::Arn(
        "arn:aws:lambda:eu-west-1:111122223333:layer:x:3".to_owned(),
    ));
    settings.logging_config = Some(LoggingConfig {
        log_format: Some("JSON".to_owned()),
        application_log_level: Some("WARN".to_owned()),
        system_log_level: None,
        log_group: Some("/acme/full".to_owned()),
    });
    settings.vpc_config = Some(VpcConfig {
        subnet_ids: vec!["subnet-1".to_owned(), "subnet-2".to_owned()],
        security_group_ids: vec!["sg-1".to_owned()],
        ipv6_allowed_for_dual_stack: Some(false),
    });
    settings.dead_letter_target = Some("arn:aws:sqs:eu-west-1:111122223333:failed".to_owned());
    settings.file_systems = Some(vec![FileSystem {
        arn: "arn:aws:elasticfilesystem:eu-west-1:111122223333:access-point/fsap-0123456789abcdef0"
            .to_owned(),
        local_mount_path: "/mnt/data".to_owned(),
    }]);
    settings.snap_start = Some("None".to_owned());
    settings.kms_key_arn = Some("arn:aws:kms:eu-west-1:111122223333:key/1".to_owned());
    settings.tags = BTreeMap::from([("cost centre".to_owned(), "42".to_owned())]);
    settings.publish = true;
    function
}

/// The layer `:certs`, built for one architecture.
pub(crate) fn layer(architecture: Arch) -> Layer {
    let settings = LayerSettings {
        layer_name: "dev-certs".to_owned(),
        description: "certificates".to_owned(),
        compatible_runtimes: vec!["provided.al2023".to_owned(), "python3.13".to_owned()],
        license_info: Some("https://opensource.org/license/mit".to_owned()),
        data: true,
    };
    Layer {
        address: ":certs".to_owned(),
        settings,
        architectures: vec![architecture],
        artifact: artifact("certs"),
    }
}

/// One function and one layer.
pub(crate) fn small() -> Deployment {
    let functions = vec![function("checkout", Arch::Arm64)];
    Deployment::new(stage(), functions, vec![layer(Arch::Arm64)]).unwrap()
}

/// Two functions, one with every setting, a layer for both architectures, an account.
pub(crate) fn large() -> Deployment {
    let functions = vec![full_function(), function("checkout", Arch::Arm64)];
    let stage = Stage {
        account: Some("111122223333".to_owned()),
        ..stage()
    };
    Deployment::new(stage, functions, vec![layer(Arch::X86_64), layer(Arch::Arm64)]).unwrap()
}
