// Package settings reads what the deployment says about a function.
package settings

import (
	"log/slog"
	"os"
)

// Settings are the same for all functions of this service.
type Settings struct {
	// Currency of all prices.
	Currency string
	// CA is the file of the certificate authority behind the functions.
	CA string
}

// Read takes the settings from the environment and sets the level of the log.
func Read() Settings {
	var level slog.Level
	if err := level.UnmarshalText([]byte(or("LOG_LEVEL", "info"))); err != nil {
		slog.Warn("LOG_LEVEL is no level", "error", err)
	}
	slog.SetLogLoggerLevel(level)
	return Settings{Currency: or("CURRENCY", "EUR"), CA: os.Getenv("ORDERS_CA")}
}

func or(name, otherwise string) string {
	if value := os.Getenv(name); value != "" {
		return value
	}
	return otherwise
}
