package shared

import (
	"testing"

	"github.com/stretchr/testify/assert"
)

func TestName(t *testing.T) { assert.NotEmpty(t, Name) }
