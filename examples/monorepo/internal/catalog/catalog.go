// Package catalog knows what can be bought and for how much.
package catalog

import (
	_ "embed"
	"encoding/json"
	"fmt"
	"sort"

	"example.com/orders/internal/money"
)

//go:embed prices.json
var prices []byte

// Catalog is a list of prices in one currency.
type Catalog struct {
	cents    map[string]int64
	currency string
}

// Load reads the list of prices that is part of the program.
func Load(currency string) (Catalog, error) {
	catalog := Catalog{currency: currency}
	if err := json.Unmarshal(prices, &catalog.cents); err != nil {
		return Catalog{}, fmt.Errorf("the list of prices: %w", err)
	}
	return catalog, nil
}

// Price returns the price of one item.
func (c Catalog) Price(item string) (money.Amount, error) {
	cents, known := c.cents[item]
	if !known {
		return money.Amount{}, fmt.Errorf("there is no item %q", item)
	}
	return money.Amount{Cents: cents, Currency: c.currency}, nil
}

// Items returns the names of all items, sorted.
func (c Catalog) Items() []string {
	items := make([]string, 0, len(c.cents))
	for item := range c.cents {
		items = append(items, item)
	}
	sort.Strings(items)
	return items
}
