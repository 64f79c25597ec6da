package filter

import (
	"math"

	"go.mongodb.org/mongo-driver/v2/bson"
)

// Cond says whether something may be seen: never, always, or when a numbered condition holds. The zero Cond is Never.
type Cond int32

// The two conditions that need no Judge.
const (
	Never  Cond = 0
	Always Cond = 1
)

// Ask is the condition with number n, to be decided by the mask's Judge. A number out of range is Never.
func Ask(n int) Cond {
	if n < 0 || n > math.MaxInt32-2 {
		return Never
	}
	return Cond(n + 2)
}

// Asks returns the number of the condition, if there is one to ask.
func (c Cond) Asks() (n int, ok bool) { return int(c) - 2, c > Always }

// Judge decides the numbered conditions of one mask, usually for one document.
type Judge interface {
	// Allow reports whether condition n holds. this is the value at the field that the condition stands on; inside an
	// array it is the value in the element at hand. It aliases the document and must not be kept.
	Allow(n int, this bson.RawValue) (bool, error)
}

// Node is one place in the tree of visible fields: the document at the root, a field below it. The nil Node and the zero
// Node hide what they stand for. A Node is not changed once a Mask holds it, so masks may share nodes.
type Node struct {
	// Whole shows the value with everything below it.
	Whole Cond
	// Fields decides below, where Whole does not hold: by exact name, names that are not listed stay hidden. In an array
	// the index is transparent: each element that is a document is cut by Fields, all other elements are hidden, arrays
	// in arrays too.
	Fields map[string]*Node
	// Rest decides for names of the document itself that Fields does not list. It counts at the root only, as
	// additional_fields does. Names that cannot be a path (empty, with a '.', or starting with '$') are never taken for
	// one in Fields, so Rest is all that can show them.
	Rest Cond
}

// Mask is a tree of visible fields. The zero Mask hides every field. A Mask is a value and cheap to copy; whether it is
// safe for concurrent use is up to its Judge.
type Mask struct {
	root  *Node
	judge Judge
	all   bool
}

// All shows every field.
func All() Mask { return Mask{all: true} }

// Tree shows what root shows, asking j where root leaves it to a condition. Without a Judge such conditions do not hold.
func Tree(root *Node, j Judge) Mask {
	if root == nil {
		return Mask{}
	}
	if root.Whole == Always {
		return All()
	}
	return Mask{root: root, judge: j}
}

// IsAll reports whether the mask shows every field of every document.
func (m Mask) IsAll() bool { return m.all }
