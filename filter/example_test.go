package filter_test

import (
	"fmt"

	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/rolegate/rolegate/filter"
)

func ExampleCut() {
	doc, _ := bson.Marshal(bson.D{
		{Key: "_id", Value: 1},
		{Key: "name", Value: "Ann"},
		{Key: "salary", Value: 10},
		{Key: "addr", Value: bson.D{{Key: "city", Value: "Rome"}, {Key: "zip", Value: "00100"}}},
	})
	// What `"fields": {"name": {"read": true}, "addr": {"fields": {"city": {"read": true}}}}` shows.
	shown := &filter.Node{Whole: filter.Always}
	mask := filter.Tree(&filter.Node{Fields: map[string]*filter.Node{
		"name": shown,
		"addr": {Fields: map[string]*filter.Node{"city": shown}},
	}}, nil)

	out, visible, err := filter.Cut(nil, doc, mask)
	fmt.Println(bson.Raw(out), visible, err)

	_, visible, err = filter.Cut(nil, doc, filter.Mask{})
	fmt.Println(visible, err)
	// Output:
	// {"name": "Ann","addr": {"city": "Rome"}} true <nil>
	// false <nil>
}

func ExampleProject() {
	doc, _ := bson.Marshal(bson.D{{Key: "_id", Value: 1}, {Key: "name", Value: "Ann"}, {Key: "age", Value: 30}})
	spec, _ := bson.Marshal(bson.D{{Key: "name", Value: 1}, {Key: "_id", Value: 0}})
	p, err := filter.ParseProjection(spec)
	if err != nil {
		fmt.Println(err)
		return
	}
	out, err := filter.Project(nil, doc, p)
	fmt.Println(bson.Raw(out), err)
	// Output: {"name": "Ann"} <nil>
}

func ExampleDiff() {
	pre, _ := bson.Marshal(bson.D{{Key: "a", Value: 1}, {Key: "b", Value: bson.D{{Key: "c", Value: 2}, {Key: "d", Value: 3}}}})
	post, _ := bson.Marshal(bson.D{{Key: "a", Value: 1}, {Key: "b", Value: bson.D{{Key: "c", Value: 9}}}})
	fmt.Println(filter.Diff(pre, post))
	// Output: [b.c b.d]
}
