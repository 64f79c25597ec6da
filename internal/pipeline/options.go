package pipeline

// Options says what a pipeline may contain.
type Options struct {
	// NoRegex refuses regular expressions, as the original service did.
	NoRegex bool
	// System allows what only the system may do: $lookup, $graphLookup and $unionWith, which read other collections of the
	// database, $sample and $redact.
	System bool

	// Limits; zero stands for the default in parentheses.
	MaxStages   int // of the pipeline, with those inside $facet (50)
	MaxBranches int // of one $facet (20)
	MaxNodes    int // expressions, constants and paths of the pipeline outside of $match (5,000)
	MaxDepth    int // of documents and arrays inside each other in a stage (100)
}

func (o Options) withDefaults() Options {
	for _, limit := range []struct {
		field *int
		value int
	}{
		{&o.MaxStages, 50},
		{&o.MaxBranches, 20},
		{&o.MaxNodes, 5000},
		{&o.MaxDepth, 100},
	} {
		if *limit.field == 0 {
			*limit.field = limit.value
		}
	}
	return o
}
