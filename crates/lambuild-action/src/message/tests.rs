use super::*;
use lambuild_digest::DigestFunction;
use prost::Message;

/// The API's messages as another implementation of protobuf reads them.
mod second {
    #[derive(Clone, PartialEq, prost::Message)]
    pub struct Digest {
        #[prost(string, tag = "1")]
        pub hash: String,
        #[prost(int64, tag = "2")]
        pub size_bytes: i64,
    }
    #[derive(Clone, PartialEq, prost::Message)]
    pub struct Pair {
        #[prost(string, tag = "1")]
        pub name: String,
        #[prost(string, tag = "2")]
        pub value: String,
    }
    #[derive(Clone, PartialEq, prost::Message)]
    pub struct Platform {
        #[prost(message, repeated, tag = "1")]
        pub properties: Vec<Pair>,
    }
    #[derive(Clone, PartialEq, prost::Message)]
    pub struct Command {
        #[prost(string, repeated, tag = "1")]
        pub arguments: Vec<String>,
        #[prost(message, repeated, tag = "2")]
        pub environment_variables: Vec<Pair>,
        #[prost(message, optional, tag = "5")]
        pub platform: Option<Platform>,
        #[prost(string, repeated, tag = "7")]
        pub output_paths: Vec<String>,
        #[prost(int32, tag = "9")]
        pub output_directory_format: i32,
    }
    #[derive(Clone, PartialEq, prost::Message)]
    pub struct Duration {
        #[prost(int64, tag = "1")]
        pub seconds: i64,
        #[prost(int32, tag = "2")]
        pub nanos: i32,
    }
    #[derive(Clone, PartialEq, prost::Message)]
    pub struct Action {
        #[prost(message, optional, tag = "1")]
        pub command_digest: Option<Digest>,
        #[prost(message, optional, tag = "2")]
        pub input_root_digest: Option<Digest>,
        #[prost(message, optional, tag = "6")]
        pub timeout: Option<Duration>,
        #[prost(message, optional, tag = "10")]
        pub platform: Option<Platform>,
    }
    #[derive(Clone, PartialEq, prost::Message)]
    pub struct OutputFile {
        #[prost(string, tag = "1")]
        pub path: String,
        #[prost(message, optional, tag = "2")]
        pub digest: Option<Digest>,
        #[prost(bool, tag = "4")]
        pub is_executable: bool,
    }
    #[derive(Clone, PartialEq, prost::Message)]
    pub struct OutputDirectory {
        #[prost(string, tag = "1")]
        pub path: String,
        #[prost(message, optional, tag = "5")]
        pub root_directory_digest: Option<Digest>,
    }
    #[derive(Clone, PartialEq, prost::Message)]
    pub struct Any {
        #[prost(string, tag = "1")]
        pub type_url: String,
        #[prost(bytes = "vec", tag = "2")]
        pub value: Vec<u8>,
    }
    #[derive(Clone, PartialEq, prost::Message)]
    pub struct Metadata {
        #[prost(message, repeated, tag = "11")]
        pub auxiliary_metadata: Vec<Any>,
    }
    #[derive(Clone, PartialEq, prost::Message)]
    pub struct ActionResult {
        #[prost(message, repeated, tag = "2")]
        pub output_files: Vec<OutputFile>,
        #[prost(message, repeated, tag = "3")]
        pub output_directories: Vec<OutputDirectory>,
        #[prost(int32, tag = "4")]
        pub exit_code: i32,
        #[prost(message, optional, tag = "6")]
        pub stdout_digest: Option<Digest>,
        #[prost(message, optional, tag = "9")]
        pub execution_metadata: Option<Metadata>,
    }
}

fn digest(text: &str) -> Digest {
    DigestFunction::Blake3.digest(text.as_bytes())
}

fn pairs(list: &[(&str, &str)]) -> BTreeMap<String, String> {
    list.iter()
        .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
        .collect()
}

fn command() -> Command {
    Command {
        arguments: vec!["launch".into(), "{root}/go/bin/go".into(), String::new()],
        environment: pairs(&[("TZ", "UTC"), ("GOOS", "linux"), ("EMPTY", "")]),
        output_paths: vec![RelPath::new("out").unwrap()],
        platform: pairs(&[("os", "linux")]),
    }
}

#[test]
fn a_second_implementation_reads_and_writes_the_same_command() {
    let bytes = command().encode();
    let read = second::Command::decode(&*bytes).unwrap();
    assert_eq!(read.arguments, ["launch", "{root}/go/bin/go", ""]);
    let names: Vec<&str> = read
        .environment_variables
        .iter()
        .map(|pair| &*pair.name)
        .collect();
    assert_eq!(names, ["EMPTY", "GOOS", "TZ"]);
    assert_eq!(read.output_directory_format, 1);
    assert_eq!(read.encode_to_vec(), bytes);
    assert_eq!(Command::decode(&bytes).unwrap(), command());
}

#[test]
fn a_second_implementation_reads_and_writes_the_same_action() {
    let action = Action {
        command: digest("command"),
        input_root: digest("root"),
        timeout: Some(900),
        platform: pairs(&[("os", "linux")]),
    };
    let bytes = action.encode();
    let read = second::Action::decode(&*bytes).unwrap();
    assert_eq!(read.timeout.as_ref().unwrap().seconds, 900);
    assert_eq!(
        read.command_digest.as_ref().unwrap().hash,
        digest("command").hex()
    );
    assert_eq!(read.encode_to_vec(), bytes);
}

#[test]
fn a_second_implementation_reads_and_writes_the_same_result() {
    let result = ActionResult::of(
        Node::File {
            digest: digest("zip"),
            executable: true,
        },
        Some(digest("log")),
        Isolation::Weak,
    );
    let bytes = result.encode();
    let read = second::ActionResult::decode(&*bytes).unwrap();
    assert_eq!(read.output_files[0].path, "out");
    assert_eq!(
        read.execution_metadata.as_ref().unwrap().auxiliary_metadata[0].value,
        b"weak"
    );
    assert_eq!(read.encode_to_vec(), bytes);
    assert_eq!(ActionResult::decode(&bytes).unwrap(), result);
}

#[test]
fn results_with_folders_and_links_come_back() {
    for node in [
        Node::Directory(digest("dir")),
        Node::Symlink { target: "a/b".into() },
    ] {
        let result = ActionResult::of(node.clone(), None, Isolation::Strict);
        assert_eq!(ActionResult::decode(&result.encode()).unwrap().out(), Some(&node));
    }
}

#[test]
fn the_result_of_a_failed_action_is_no_result() {
    let failed = second::ActionResult {
        exit_code: 1,
        ..Default::default()
    };
    assert_eq!(
        ActionResult::decode(&failed.encode_to_vec()),
        Err(ProtoError::Value)
    );
}

#[test]
fn any_cut_of_a_message_is_refused_or_read_without_a_panic() {
    let bytes = ActionResult::of(Node::Directory(digest("d")), None, Isolation::Strict).encode();
    for end in 0..bytes.len() {
        let _ = ActionResult::decode(&bytes[..end]);
        let _ = Command::decode(&bytes[..end]);
    }
}
