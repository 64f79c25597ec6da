package worlds_test

import (
	"context"
	"errors"
	"fmt"
	"math"
	"net/http"
	"testing"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"

	"github.com/rolegate/rolegate/integration/testdb"
)

// runner asks servers and judges their answers.
type runner struct {
	db        *testdb.Server
	client    *mongo.Client
	databases [2]string
	store     string
	counts    counts
}

func newRunner(t *testing.T) *runner {
	t.Helper()
	db := testdb.Open(t)
	return &runner{
		db: db, client: db.Client(t), databases: [2]string{db.Database(t), db.Database(t)}, store: db.Database(t),
		counts: counts{},
	}
}

func (r *runner) batch(worlds ...*World) *batch {
	return &batch{client: r.client, uri: r.db.URI, databases: r.databases, store: r.store, worlds: worlds}
}

// failure is a request of a world that is not answered as it should be.
type failure struct {
	world *World // with this request only
	kind  string
	text  string
}

// The kinds of failures.
const (
	otherThanTheModel = "the answer is not the one of the model"
	otherThanTheTwin  = "the twin is answered otherwise"
)

// kindOf is the kind of an answer that is not the one of the model. A refusal stays the same while the world is made small.
func kindOf(got answer) string {
	if got.status == http.StatusOK {
		return otherThanTheModel
	}
	return otherThanTheModel + " but " + string(got.body)
}

// run asks everything in some worlds and returns what fails, at most once a world.
func (r *runner) run(ctx context.Context, worlds ...*World) ([]failure, error) {
	b := r.batch(worlds...)
	if err := b.open(ctx); err != nil {
		return nil, err
	}
	var failures []failure
	for i, w := range worlds {
		r.counts.world(w)
		f, err := r.ask(ctx, b, i, w)
		if err != nil {
			return nil, fmt.Errorf("%w; %w", err, b.close(context.WithoutCancel(ctx)))
		}
		if f != nil {
			failures = append(failures, *f)
		}
	}
	return failures, errors.Join(r.counts.plans(ctx, b), b.close(context.WithoutCancel(ctx)))
}

// ask sends the requests of a world and returns the first failure.
func (r *runner) ask(ctx context.Context, b *batch, i int, w *World) (*failure, error) {
	model := w.model()
	for _, req := range w.Requests {
		got, err := b.ask(ctx, i, 0, req)
		if err != nil {
			return nil, err
		}
		if got.status == http.StatusNotFound {
			r.counts["no such action: "+req.Action]++
			continue
		}
		one := *w
		one.Requests = []Request{req}
		want := expect(model, w.User, w.Docs, req, r.pipelines(ctx))
		if w.Twin != nil {
			want.anyOrder = want.ties
		}
		r.counts.answer(want)
		if diff := want.differs(got); diff != "" {
			return &failure{&one, kindOf(got), diff}, nil
		}
		if w.Twin == nil {
			continue
		}
		r.counts["twin pairs"]++
		other, err := b.ask(ctx, i, 1, req)
		if err != nil {
			return nil, err
		}
		if diff := want.differs(other); diff != "" {
			one.Docs, one.Indexes, one.Twin, one.TwinIndexes = w.Twin, w.TwinIndexes, nil, nil
			return &failure{&one, kindOf(other), diff}, nil
		}
		if !got.same(other) && !want.unordered && !want.arbitrary && !want.ties {
			return &failure{&one, otherThanTheTwin, fmt.Sprintf("%d %s\n%d %s", got.status, got.body, other.status, other.body)}, nil
		}
	}
	return nil, nil
}

// pipelines runs pipelines on documents that are sent along.
func (r *runner) pipelines(ctx context.Context) pipelines {
	return func(docs []bson.Raw, pipeline bson.A) ([]bson.Raw, error) {
		list := make(bson.A, len(docs))
		for i, d := range docs {
			list[i] = d
		}
		source := bson.A{
			bson.D{{Key: "$documents", Value: bson.D{{Key: "$literal", Value: list}}}},
			bson.D{{Key: "$limit", Value: int64(math.MaxInt64)}}, // MongoDB fails on some that directly follow
		}
		cursor, err := r.client.Database(r.databases[0]).RunCommandCursor(ctx, bson.D{
			{Key: "aggregate", Value: 1},
			{Key: "pipeline", Value: append(source, pipeline...)},
			{Key: "cursor", Value: bson.D{}},
			{Key: "collation", Value: bson.D{{Key: "locale", Value: "simple"}}},
		})
		if err != nil {
			return nil, err
		}
		found := []bson.Raw{}
		err = cursor.All(ctx, &found)
		return found, err
	}
}

// fails tells whether a world fails, in the same way.
func (r *runner) fails(ctx context.Context, w *World, kind string) (failure, bool) {
	if !w.hasRoles() || kind == otherThanTheTwin && !w.isTwin() {
		return failure{}, false
	}
	if kind != otherThanTheTwin {
		w.Twin, w.TwinIndexes = nil, nil
	}
	found, err := r.run(ctx, w)
	if err != nil || len(found) == 0 || found[0].kind != kind {
		return failure{}, false
	}
	return found[0], true
}

// hasRoles tells whether there are rules at all: without roles everything is refused, whatever the model says.
func (w *World) hasRoles() bool {
	for _, part := range w.Rules {
		if list, _ := part.Value.(bson.A); part.Key == "roles" && len(list) > 0 {
			return true
		}
	}
	return false
}

// report makes the world of a failure small and shows it.
func (r *runner) report(t *testing.T, f failure) {
	t.Helper()
	quiet := *r
	quiet.counts = counts{}
	small := shrink(f.world, func(w *World) bool {
		_, failed := quiet.fails(t.Context(), w, f.kind)
		return failed
	})
	if again, failed := quiet.fails(t.Context(), small, f.kind); failed {
		f = again
	}
	t.Errorf("%s: %s\n%s", f.kind, f.text, f.world.text(f.kind, r.pipelines(t.Context())))
}
