package deep

import "github.com/BurntSushi/toml"

// Parse reads one key.
func Parse(s string) (v map[string]any, err error) {
	_, err = toml.Decode(s, &v)
	return
}
