package main

import (
	"context"

	"example.com/app/shared"
	"github.com/aws/aws-lambda-go/lambda"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
)

func main() {
	client := dynamodb.New(dynamodb.Options{})
	lambda.Start(func(ctx context.Context) (int, error) {
		out, err := client.ListTables(ctx, nil)
		if err != nil {
			return 0, shared.Wrap(err)
		}
		return len(out.TableNames), nil
	})
}
