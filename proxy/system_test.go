package proxy_test

import (
	"errors"
	"testing"

	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/rolegate/rolegate/proxy"
	"github.com/rolegate/rolegate/rules"
)

// TestTheSystem is under no rule, but what nobody is served from the system does not reach either, by whatever stage.
func TestTheSystem(t *testing.T) {
	system := proxy.Caller{User: &rules.User{Type: rules.SystemUser}, System: true, ID: "1"}
	for _, tt := range []struct {
		database, pipeline string
		kind               proxy.Kind // 0: it is answered
	}{
		{"app", `{"$lookup": {"from": "d", "localField": "a", "foreignField": "a", "as": "x"}}`, 0},
		{"app", `{"$unionWith": "system.views"}`, proxy.NoRule},
		{"app", `{"$lookup": {"from": "system.users", "as": "x", "pipeline": []}}`, proxy.NoRule},
		{"app", `{"$facet": {"x": [{"$unionWith": "system.profile"}]}}`, proxy.NoRule},
		{"admin", `{"$match": {}}`, proxy.NoRule},
		{"app", `{"$out": "d"}`, proxy.Invalid},
	} {
		s := returning(docs(t, `{"_id": 1}`)...)
		s.features = everything
		p, _ := newCalling(t, s, `{"name": "nobody", "apply_when": {"a": 1}, "read": true}`, nil)
		op := proxy.Aggregate{NS: rules.Namespace{Service: "mongodb-atlas", Database: tt.database, Collection: "c"}, Pipeline: []bson.Raw{doc(t, tt.pipeline)}}
		err := p.Aggregate(t.Context(), system, op, func(bson.Raw) error { return nil })
		var refused *proxy.Error
		if errors.As(err, &refused); tt.kind == 0 && err != nil || tt.kind != 0 && (refused == nil || refused.Kind != tt.kind) {
			t.Errorf("%s %s: %v", tt.database, tt.pipeline, err)
		}
		if err := p.Aggregate(t.Context(), ann, op, func(bson.Raw) error { return nil }); tt.pipeline != `{"$match": {}}` && err == nil {
			t.Errorf("%s: ann may", tt.pipeline)
		}
	}
}
