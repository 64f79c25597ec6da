// Package schemas holds the published JSON Schemas of the files of an app export, for editors and other tools.
//
// They say what config checks about the shape of one file, and no more: what an expression means, and how files depend
// on each other, is beyond a schema. A test keeps the two in step.
package schemas

import (
	"embed"
	"slices"
	"strings"
)

//go:embed *.schema.json
var files embed.FS

const suffix = ".schema.json"

// Names lists the schemas, sorted.
func Names() []string {
	entries, _ := files.ReadDir(".") // what is embedded can be read
	var out []string
	for _, e := range entries {
		out = append(out, strings.TrimSuffix(e.Name(), suffix))
	}
	slices.Sort(out)
	return out
}

// Read returns the schema of that name, or false when there is none.
func Read(name string) ([]byte, bool) {
	text, err := files.ReadFile(name + suffix)
	return text, err == nil
}

// For names the schema of a file, given by its slash-separated path inside the export. It is "" for files without one.
func For(path string) string {
	dir, file := "", path
	if i := strings.LastIndexByte(path, '/'); i >= 0 {
		dir, file = path[:i], path[i+1:]
	}
	parts := strings.Split(dir, "/")
	switch {
	case dir == "" && slices.Contains([]string{"root_config.json", "realm_config.json", "config.json", "stitch.json"}, file):
		return "root"
	case file == "default_rule.json":
		return "default_rule"
	case parts[0] == "data_sources" && len(parts) == 4 && file == "rules.json",
		parts[0] == "services" && len(parts) == 3 && parts[2] == "rules":
		return "rules"
	case (parts[0] == "data_sources" || parts[0] == "services") && len(parts) == 2 && file == "config.json":
		return "data_source"
	case file == "data_api_config.json":
		return "data_api"
	case len(parts) > 1:
		return ""
	}
	switch dir + "/" + file {
	case "auth/providers.json":
		return "providers"
	case "auth/custom_user_data.json":
		return "custom_user_data"
	case "functions/config.json":
		return "functions"
	case "https_endpoints/config.json", "http_endpoints/config.json":
		return "endpoints"
	}
	switch dir {
	case "lookups":
		return "lookup"
	case "values":
		return "value"
	case "environments":
		return "environment"
	}
	return ""
}
