//go:build lambda.norpc

package shared

import _ "golang.org/x/crypto/chacha20poly1305"
