package config

import "strconv"

// quote shows a name of the export inside a sentence, cut where it is too long to be read.
func quote(name string) string {
	const limit = 60
	if r := []rune(name); len(r) > limit {
		name = string(r[:limit]) + "…"
	}
	return strconv.Quote(name)
}
