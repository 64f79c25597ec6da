package pipeline

import (
	"maps"
	"slices"
)

// OperatorNames returns the expression operators that the package knows.
func OperatorNames() []string { return slices.Sorted(maps.Keys(operators)) }

// AccumulatorNames returns the accumulators that the package knows.
func AccumulatorNames() []string { return slices.Sorted(maps.Keys(accumulators)) }
