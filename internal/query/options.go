package query

// Options says what a query may contain. The zero value is for clients: the allow-list and its limits.
type Options struct {
	// Trusted is for queries that the operator wrote. It lifts the rules about names that start with a dollar sign in
	// values and paths, about value types that clients may not send, and ignores $comment. Everything that is not
	// implemented stays refused.
	Trusted bool
	// NoRegex refuses regular expressions, as the original service did.
	NoRegex bool

	// Limits; zero stands for the default in parentheses.
	MaxDepth         int // of $and, $or, $nor, $not and $elemMatch inside each other (20)
	MaxSegments      int // of a path (50)
	MaxBranches      int // of one $and, $or or $nor, and of a client's $all (100)
	MaxTotalBranches int // of one filter; every regular expression counts as one (1,000)
	MaxElements      int // of one $in, $nin or $all (10,000)
	MaxPattern       int // bytes of a regular expression (512)
	MaxValueDepth    int // of documents and arrays in a value (100)
}

func (o Options) withDefaults() Options {
	for _, limit := range []struct {
		field *int
		value int
	}{
		{&o.MaxDepth, 20},
		{&o.MaxSegments, maxSegments},
		{&o.MaxBranches, 100},
		{&o.MaxTotalBranches, 1000},
		{&o.MaxElements, 10000},
		{&o.MaxPattern, 512},
		{&o.MaxValueDepth, 100},
	} {
		if *limit.field == 0 {
			*limit.field = limit.value
		}
	}
	return o
}
