// Command refund decides how much of a payment goes back to the customer.
package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/aws/aws-lambda-go/lambda"

	"example.com/orders/internal/money"
	"example.com/orders/internal/settings"
)

// Request says what was paid, what went back already, and what is asked for now, in cents.
type Request struct {
	ID       string `json:"id"`
	Paid     int64  `json:"paid"`
	Refunded int64  `json:"refunded"`
	Wanted   int64  `json:"wanted"`
}

// Answer is the refund that is granted.
type Answer struct {
	ID     string       `json:"id"`
	Refund money.Amount `json:"refund"`
	Left   money.Amount `json:"left"`
}

type refund struct {
	currency string
}

func (r refund) handle(_ context.Context, request Request) (Answer, error) {
	if request.Paid < 0 || request.Refunded < 0 || request.Refunded > request.Paid {
		return Answer{}, errors.New("the payment's figures contradict each other")
	}
	left := request.Paid - request.Refunded
	if request.Wanted < 1 || request.Wanted > left {
		return Answer{}, fmt.Errorf("order %s: between 1 and %d cents can go back", request.ID, left)
	}
	return Answer{request.ID, r.amount(request.Wanted), r.amount(left - request.Wanted)}, nil
}

func (r refund) amount(cents int64) money.Amount {
	return money.Amount{Cents: cents, Currency: r.currency}
}

func main() {
	lambda.Start(refund{settings.Read().Currency}.handle)
}
