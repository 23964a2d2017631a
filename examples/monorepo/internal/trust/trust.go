// Package trust loads the certificate authorities that come in a layer.
package trust

import (
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"os"
)

// Authorities reads all certificates of a PEM file. A file that is not there holds none:
// outside Lambda no layer is mounted.
func Authorities(file string) ([]*x509.Certificate, error) {
	rest, err := os.ReadFile(file)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	var authorities []*x509.Certificate
	for {
		var block *pem.Block
		if block, rest = pem.Decode(rest); block == nil {
			return authorities, nil
		}
		certificate, err := x509.ParseCertificate(block.Bytes)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", file, err)
		}
		authorities = append(authorities, certificate)
	}
}
