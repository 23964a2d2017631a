package main

import (
	"testing"

	"github.com/aws/aws-lambda-go/events"

	"example.com/orders/internal/catalog"
)

func TestRoutes(t *testing.T) {
	prices, err := catalog.Load("EUR")
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		route, body string
		status      int
		answer      string
	}{
		{"GET /health", "", 200, `{"authorities":1,"status":"ok"}`},
		{"GET /catalog", "", 200, `{"items":["cup","kettle","tea"]}`},
		{"POST /orders", `{"lines":[{"item":"moon","count":1}]}`, 422, `{"error":"line 1: there is no item \"moon\""}`},
		{"POST /orders", `tea`, 400, `{"error":"the body is no order"}`},
		{"GET /", "", 404, `{"error":"no such route"}`},
	} {
		request := events.APIGatewayV2HTTPRequest{RouteKey: c.route, Body: c.body}
		answer, err := api{prices, 1}.handle(t.Context(), request)
		if err != nil || answer.StatusCode != c.status || answer.Body != c.answer {
			t.Errorf("%s: got %d %s, %v", c.route, answer.StatusCode, answer.Body, err)
		}
	}
}
