// Command checkout takes an order and says what it costs.
package main

import (
	"bytes"
	"context"
	_ "embed"
	"log/slog"
	"text/template"

	"github.com/aws/aws-lambda-go/lambda"

	"example.com/orders/internal/catalog"
	"example.com/orders/internal/money"
	"example.com/orders/internal/order"
	"example.com/orders/internal/settings"
)

//go:embed receipt.txt
var receiptText string

var receipt = template.Must(template.New("receipt").Parse(receiptText))

// Answer is what the customer gets.
type Answer struct {
	ID      string       `json:"id"`
	Total   money.Amount `json:"total"`
	Receipt string       `json:"receipt"`
}

type checkout struct {
	prices catalog.Catalog
}

func (c checkout) handle(_ context.Context, wanted order.Order) (Answer, error) {
	total, err := wanted.Total(c.prices)
	if err != nil {
		return Answer{}, err
	}
	answer := Answer{ID: wanted.ID(), Total: total}
	var text bytes.Buffer
	if err := receipt.Execute(&text, map[string]any{"Order": wanted, "ID": answer.ID, "Total": total}); err != nil {
		return Answer{}, err
	}
	answer.Receipt = text.String()
	slog.Debug("checked out", "id", answer.ID, "total", total)
	return answer, nil
}

func main() {
	prices, err := catalog.Load(settings.Read().Currency)
	if err != nil {
		panic(err)
	}
	lambda.Start(checkout{prices}.handle)
}
