package shared

const Name = "arm64"
