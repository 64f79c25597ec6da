package expr

import (
	"strings"

	"github.com/rolegate/rolegate/internal/query"
)

// comparisons are the operators of a value, by name without prefix, that take an operand of any form.
var comparisons = map[string]query.Op{
	"eq": query.Eq, "ne": query.Ne, "gt": query.Gt, "gte": query.Gte, "lt": query.Lt, "lte": query.Lte,
}

// memberships take a list, written or from an expansion.
var memberships = map[string]query.Op{"in": query.In, "nin": query.Nin, "all": query.All}

// shapes take a literal only: claims are data, not patterns.
var shapes = map[string]query.Op{
	"size": query.Size, "type": query.Type, "mod": query.Mod, "elemMatch": query.ElemMatch,
}

var operatorNames = []string{
	"and", "or", "nor", "not", "eq", "ne", "gt", "gte", "lt", "lte", "in", "nin", "all", "exists", "size", "elemMatch",
	"type", "mod", "regex", "options", "function", "stringToOid", "oidToString", "stringToUuid", "uuidToString",
	"dateAdd", "dateSubtract",
}

// makesValue tells whether the operator stands where a value may stand.
func makesValue(name string) bool {
	return conversions[name] != nil || name == "function" || name == "dateAdd" || name == "dateSubtract"
}

// schemaKeywords are taken for operators by people who know JSON Schema.
var schemaKeywords = map[string]string{"anyOf": "or", "allOf": "and", "oneOf": "or", "enum": "in", "const": "eq"}

// misnomers are what people write for an operator whose name is not the nearest one.
var misnomers = map[string]string{"neq": "ne", "equals": "eq", "notIn": "nin", "contains": "in", "match": "regex"}

// operatorName takes the prefix off an operator's name. Expansions, which start with %%, are no operators.
func operatorName(s string) (name string, ok bool) {
	if strings.HasPrefix(s, "%%") || len(s) < 2 || (s[0] != '%' && s[0] != '$') {
		return "", false
	}
	return s[1:], true
}

// extendedJSON are the first members of objects that stand for one value.
var extendedJSON = map[string]bool{
	"$oid": true, "$date": true, "$numberInt": true, "$numberLong": true, "$numberDouble": true,
	"$numberDecimal": true, "$binary": true, "$uuid": true, "$timestamp": true, "$regularExpression": true,
	"$minKey": true, "$maxKey": true, "$symbol": true, "$code": true, "$undefined": true, "$dbPointer": true,
}
