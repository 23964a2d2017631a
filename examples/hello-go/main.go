// Command hello is the smallest useful Lambda function: it greets the name in its event.
package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/aws/aws-lambda-go/lambda"
)

// Event is what the function is invoked with: {"name": "Jane"}.
type Event struct {
	Name string `json:"name"`
}

func greet(_ context.Context, event Event) (string, error) {
	if event.Name == "" {
		return "", errors.New(`the event has no "name"`)
	}
	return fmt.Sprintf("Hello %s!", event.Name), nil
}

func main() {
	lambda.Start(greet)
}
