module local.test/lib

go 1.20

require github.com/BurntSushi/toml v1.3.0
