//! The list of what the Lambda API takes, against the service model of the pinned botocore.
//! The tests of `lambuild-deploy` compare its tables with that list.

use std::fs;

use lambuild_testkit::{Program, Tool, Tools, repository_root};

const LIST: &str = "crates/lambuild-deploy/src/schema/api/lambda-api.txt";

#[test]
fn the_list_of_the_lambda_api_is_that_of_the_pinned_botocore() {
    let root = repository_root();
    let python = Tools::find().require(Tool::Aws).with_file_name("python");
    let run = Program::new(python, &root)
        .arg("xtask/lambda_api.py")
        .run()
        .success();
    let kept = fs::read_to_string(root.join(LIST)).unwrap();
    let differs = run
        .stdout
        .lines()
        .zip(kept.lines())
        .find(|(model, list)| model != list);
    assert_eq!(differs, None, "`cargo xtask botocore move` writes {LIST} anew");
    assert_eq!(run.stdout, kept);
}
