package shared

const Name = "amd64"
