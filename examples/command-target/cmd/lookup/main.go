// Command lookup answers the city of a zone from a table that is packed beside it.
package main

import (
	"bufio"
	"compress/gzip"
	"context"
	"fmt"
	"log"
	"os"
	"strings"

	"github.com/aws/aws-lambda-go/lambda"
)

// Event is what the function is invoked with: {"zone": "west"}.
type Event struct {
	Zone string `json:"zone"`
}

func load(path string) (map[string]string, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	packed, err := gzip.NewReader(file)
	if err != nil {
		return nil, err
	}
	cities := map[string]string{}
	lines := bufio.NewScanner(packed)
	for lines.Scan() {
		zone, city, _ := strings.Cut(lines.Text(), ",")
		cities[zone] = city
	}
	return cities, lines.Err()
}

func main() {
	cities, err := load(os.Getenv("ZONES"))
	if err != nil {
		log.Fatal(err)
	}
	lambda.Start(func(_ context.Context, event Event) (string, error) {
		city, known := cities[event.Zone]
		if !known {
			return "", fmt.Errorf("there is no zone %q", event.Zone)
		}
		return city, nil
	})
}
