// Command void cancels a payment that has not been settled yet.
package main

import (
	"context"
	"fmt"
	"log/slog"

	"github.com/aws/aws-lambda-go/lambda"

	"example.com/orders/internal/settings"
)

// Payment is where a payment stands.
type Payment struct {
	ID    string `json:"id"`
	State string `json:"state"`
}

func handle(_ context.Context, payment Payment) (Payment, error) {
	switch payment.State {
	case "authorized":
		slog.Info("voided", "id", payment.ID)
		return Payment{ID: payment.ID, State: "voided"}, nil
	case "voided":
		return payment, nil
	default:
		return Payment{}, fmt.Errorf("payment %s is %q: only an authorized one can be voided", payment.ID, payment.State)
	}
}

func main() {
	settings.Read()
	lambda.Start(handle)
}
