module github.com/rolegate/rolegate/integration

go 1.26
