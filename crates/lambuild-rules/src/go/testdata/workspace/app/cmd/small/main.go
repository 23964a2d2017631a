package main

import (
	"embed"

	"example.com/app/shared"
	"github.com/aws/aws-lambda-go/lambda"
	"local.test/lib/deep"
)

//go:embed assets "with space.txt"
//go:embed all:hidden
var files embed.FS

func main() {
	lambda.Start(func() (map[string]any, error) {
		text, err := files.ReadFile("assets/a.toml")
		if err != nil {
			return nil, shared.Wrap(err)
		}
		return deep.Parse(string(text))
	})
}
