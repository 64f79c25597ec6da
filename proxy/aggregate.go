package proxy

import (
	"context"
	"math"
	"strconv"

	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/rolegate/rolegate/internal/bsonval"
	"github.com/rolegate/rolegate/internal/pipeline"
	"github.com/rolegate/rolegate/internal/predicate"
	"github.com/rolegate/rolegate/internal/query"
	"github.com/rolegate/rolegate/rules"
)

// An aggregation runs over the view. A pipeline that is nothing but a find is one. Any other is sent to the database
// behind stages that make the view of the collection, and a barrier that none of the client's stages crosses. Where the
// view cannot be made there, it is made here and sent along, if it is small.

// Aggregate calls emit for each document that the pipeline makes of the view, in order. The document is valid during the
// call.
func (p *Proxy) Aggregate(ctx context.Context, c Caller, op Aggregate, emit func(bson.Raw) error) error {
	s, err := p.begin(ctx, c, op.NS, "aggregate", false)
	if err != nil {
		return err
	}
	pl, err := pipeline.Parse(op.Pipeline, pipeline.Options{NoRegex: p.NoRegex, System: c.System})
	if err != nil {
		return s.invalid(err)
	}
	for _, name := range pl.Others() {
		if _, err := p.session(c, rules.Namespace{Service: op.NS.Service, Database: op.NS.Database, Collection: name}, "aggregate"); err != nil {
			return err
		}
	}
	lead := pl.Leading()
	v, err := s.leadingRead(lead)
	if err != nil {
		return err
	}
	if len(lead.Rest) == 0 {
		return s.aggregateFind(ctx, lead, v, atMost(op.Limit, emit))
	}
	q, err := s.planAggregate(ctx, pl, lead, v, op.Limit)
	if err != nil || len(q.Stages) == 0 {
		return err
	}
	for doc, err := range p.Store.Aggregate(ctx, s.ns, q) {
		if err != nil {
			return s.storeError(err)
		}
		if err := emit(doc); err != nil {
			return err
		}
	}
	return nil
}

// leadingRead is what the pipeline starts with, as a read of the view.
func (s *session) leadingRead(lead pipeline.Leading) (viewRead, error) {
	bodies := make([]predicate.Predicate, len(lead.Match))
	for i, m := range lead.Match {
		bodies[i] = predicate.Leaf(m.FilterDoc)
	}
	v, err := s.parseRead(predicate.And(bodies...).Document(), nil)
	const most = math.MaxInt64 / 4 // more than there are documents, so that sums can be taken
	v.sort, v.skip, v.limit = lead.Sort, min(lead.Skip, most), min(lead.Limit, most)
	return v, err
}

// aggregateFind runs a pipeline that a find can answer.
func (s *session) aggregateFind(ctx context.Context, lead pipeline.Leading, v viewRead, emit func(bson.Raw) error) error {
	if lead.CountField != "" {
		n, err := s.count(ctx, v)
		if err != nil || n == 0 {
			return err // $count of nothing is no document
		}
		doc, start := bsonval.BeginDocument(nil)
		doc = bsonval.AppendElement(doc, lead.CountField, bsonval.FromInt(n))
		return emit(bsonval.EndDocument(doc, start))
	}
	return s.eachProjected(ctx, v, lead.Projection, emit)
}

// atMost ends the answer after some documents.
func atMost(limit int64, emit func(bson.Raw) error) func(bson.Raw) error {
	n := int64(0)
	return func(doc bson.Raw) error {
		if n++; limit > 0 && n > limit {
			return nil
		}
		return emit(doc)
	}
}

// planAggregate decides how the view comes to the client's stages. Without stages there is nothing to send: nothing can
// match, and the pipeline makes nothing of nothing.
func (s *session) planAggregate(ctx context.Context, pl *pipeline.Pipeline, lead pipeline.Leading, v viewRead, limit int64) (AggregateQuery, error) {
	features, err := s.p.Store.Features(ctx, s.ns)
	if err != nil {
		return AggregateQuery{}, s.storeError(err)
	}
	if !features.Computed {
		return AggregateQuery{}, &Error{
			Kind:    Unsupported,
			Message: "aggregation stage \"" + lead.Rest[0].Name + "\" needs computed fields ($replaceWith), which the database does not have",
		}
	}
	var client []bson.Raw
	for _, st := range pl.Stages() {
		client = append(client, st.Raw)
	}
	if limit > 0 {
		client = append(client, limitStage(limit))
	}
	if s.view().PassThrough() {
		s.record(&reading{plan: readPlan{outcome: Exact}})
		return AggregateQuery{Stages: append([]bson.Raw{unsetReserved}, client...)}, nil
	}
	segments, _, why := s.view().Segments(v.raw, v.filter)
	if why == nil && (len(segments) <= 1 || features.UnionWith) {
		s.record(&reading{plan: readPlan{outcome: Exact}})
		if len(segments) == 0 {
			segments = []rules.Segment{{Match: predicate.None().Document()}} // the stages still make something of nothing
		}
		prefix := viewStages(s.ns.Collection, segments, s.view().KeepsID())
		return AggregateQuery{Stages: append(prefix, client...)}, nil
	}
	if why == nil {
		why = &rules.Reason{Role: segments[1].Role, Permission: "apply_when"}
	}
	if !features.Documents {
		return AggregateQuery{}, unstated(*why, "an aggregation over what this user may read needs $documents, which the database does not have")
	}
	documents, err := s.documentsStage(ctx, v.filter, v.raw, *why)
	if err != nil {
		return AggregateQuery{}, err
	}
	// Without a stage between them, MongoDB moves a $match into what it makes of $documents, and fails on some.
	return AggregateQuery{Stages: append([]bson.Raw{documents, limitStage(math.MaxInt64)}, client...), Documents: true}, nil
}

// unstated refuses an aggregation over a view that no query states. The rule is for the log.
func unstated(why rules.Reason, message string) *Error {
	return &Error{Kind: Unsupported, Message: message, Role: why.Role, Permission: why.Permission, Path: why.Path}
}

// documentsStage makes the view here, in its order, as a stage that brings the documents along.
func (s *session) documentsStage(ctx context.Context, f *query.Filter, raw bson.Raw, why rules.Reason) (bson.Raw, error) {
	stage, start := bsonval.BeginDocument(nil)
	stage, documents := bsonval.BeginElement(stage, bson.TypeEmbeddedDocument, "$documents")
	stage, list := bsonval.BeginElement(stage, bson.TypeArray, "$literal")
	n := 0
	err := s.each(ctx, viewRead{raw: raw, filter: f}, func(_, view bson.Raw) error {
		stage = bsonval.AppendElement(stage, strconv.Itoa(n), bsonval.FromDocument(view))
		if n++; len(stage) > s.p.Limits.View {
			return unstated(why, "an aggregation over what this user may read would need more documents than can be sent")
		}
		return nil
	})
	return bsonval.EndDocument(bsonval.EndDocument(bsonval.EndDocument(stage, list), documents), start), err
}
