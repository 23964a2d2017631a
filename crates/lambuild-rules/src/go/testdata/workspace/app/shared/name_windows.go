package shared

const Name = "windows"
