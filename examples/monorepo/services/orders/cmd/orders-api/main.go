// Command orders-api is the public API: health, the catalogue, and the price of an order.
package main

import (
	"context"
	"encoding/json"
	"log/slog"
	"net/http"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-lambda-go/lambda"

	"example.com/orders/internal/catalog"
	"example.com/orders/internal/order"
	"example.com/orders/internal/settings"
	"example.com/orders/internal/trust"
)

type api struct {
	prices      catalog.Catalog
	authorities int
}

func (a api) handle(_ context.Context, request events.APIGatewayV2HTTPRequest) (events.APIGatewayV2HTTPResponse, error) {
	switch request.RouteKey {
	case "GET /health":
		return answer(http.StatusOK, map[string]any{"status": "ok", "authorities": a.authorities})
	case "GET /catalog":
		return answer(http.StatusOK, map[string]any{"items": a.prices.Items()})
	case "POST /orders":
		return a.price(request.Body)
	default:
		return answer(http.StatusNotFound, map[string]any{"error": "no such route"})
	}
}

func (a api) price(body string) (events.APIGatewayV2HTTPResponse, error) {
	var wanted order.Order
	if err := json.Unmarshal([]byte(body), &wanted); err != nil {
		return answer(http.StatusBadRequest, map[string]any{"error": "the body is no order"})
	}
	total, err := wanted.Total(a.prices)
	if err != nil {
		return answer(http.StatusUnprocessableEntity, map[string]any{"error": err.Error()})
	}
	return answer(http.StatusOK, map[string]any{"id": wanted.ID(), "total": total})
}

func answer(status int, body map[string]any) (events.APIGatewayV2HTTPResponse, error) {
	text, err := json.Marshal(body)
	headers := map[string]string{"Content-Type": "application/json"}
	return events.APIGatewayV2HTTPResponse{StatusCode: status, Headers: headers, Body: string(text)}, err
}

func main() {
	config := settings.Read()
	prices, err := catalog.Load(config.Currency)
	if err != nil {
		panic(err)
	}
	authorities, err := trust.Authorities(config.CA)
	if err != nil {
		slog.Error("no certificate authority", "error", err)
	}
	lambda.Start(api{prices, len(authorities)}.handle)
}
