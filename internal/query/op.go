package query

// Op is an operator that tests the value at a path.
type Op uint8

// The operators. The zero Op is none of them and matches nothing.
const (
	Eq Op = iota + 1
	Ne
	Gt
	Gte
	Lt
	Lte
	In
	Nin
	Exists
	Type
	Size
	All
	ElemMatch
	Mod
	Regex
	Not
)

var opNames = [...]string{
	Eq: "$eq", Ne: "$ne", Gt: "$gt", Gte: "$gte", Lt: "$lt", Lte: "$lte", In: "$in", Nin: "$nin", Exists: "$exists", Type: "$type",
	Size: "$size", All: "$all", ElemMatch: "$elemMatch", Mod: "$mod", Regex: "$regex", Not: "$not",
}

// String returns the operator as it is written in a query.
func (op Op) String() string {
	if int(op) < len(opNames) {
		return opNames[op]
	}
	return ""
}

// opNamed returns the operator written as name.
func opNamed(name string) (Op, bool) {
	for op, s := range opNames {
		if s == name && s != "" {
			return Op(op), true
		}
	}
	return 0, false
}
