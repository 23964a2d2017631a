# Prints what the Lambda API takes, as the botocore of this Python knows it: one line for
# each member of CreateFunction and PublishLayerVersion, in the service model's order.
import botocore
import botocore.session

model = botocore.session.get_session().get_service_model("lambda")


def line(path, shape, required):
    words = [path, shape.type_name]
    if required:
        words.append("required")
    for limit in ("min", "max"):
        if limit in shape.metadata:
            words.append(f"{limit}={shape.metadata[limit]}")
    if shape.metadata.get("enum"):
        words.append("enum=" + ",".join(shape.metadata["enum"]))
    if "pattern" in shape.metadata:
        words.append("pattern=" + shape.metadata["pattern"])
    print(" ".join(words))


def show(path, shape, required=False):
    line(path, shape, required)
    if shape.type_name == "structure":
        for name, member in shape.members.items():
            show(f"{path}.{name}", member, name in shape.required_members)
    elif shape.type_name == "list":
        show(path + "[]", shape.member)
    elif shape.type_name == "map":
        show(path + "{key}", shape.key)
        show(path + "{value}", shape.value)


print(f"# The Lambda API of botocore {botocore.__version__}. Written by `cargo xtask botocore move`.")
for name in ("CreateFunction", "PublishLayerVersion"):
    show(name, model.operation_model(name).input_shape)
