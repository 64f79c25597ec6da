package server

import (
	"maps"
	"slices"

	"github.com/rolegate/rolegate/config"
	"github.com/rolegate/rolegate/internal/source"
)

// places says where the data sources are and what clients call them.
type places struct {
	uris  map[string]string // :: service → connection string
	names map[string]string // :: what clients send → service
}

// findPlaces maps the services of an app. All services of one cluster are at the default place. Two services of
// different clusters must be told apart by the operator: one database behind both would be open under the weaker rules.
func findPlaces(app *config.App, s settings, uri string, ds *source.Diagnostics) places {
	p := places{uris: map[string]string{}, names: findNames(app, s, ds)}
	clusters := map[string]bool{}
	for _, svc := range app.Services {
		if hasDatabase(svc) {
			clusters[clusterOf(svc)] = true
		}
	}
	for _, svc := range app.Services {
		if !hasDatabase(svc) {
			continue
		}
		switch mapped := s.dataSources[svc.Name].uri; {
		case mapped != "":
			p.uris[svc.Name] = mapped
		case len(clusters) > 1:
			ds.Error(svc.Span, CodeUnmappedService, `give each one a uri in --config: {"data_sources": {"`+svc.Name+`": {"uri": "mongodb://…"}}}`,
				"the app has data sources of several clusters, and nothing says where %s is", source.Quote(svc.Name))
		default:
			p.uris[svc.Name] = uri
		}
	}
	return p
}

// findNames maps what clients may call the services of an app: their names and the aliases of the settings.
func findNames(app *config.App, s settings, ds *source.Diagnostics) map[string]string {
	names := map[string]string{}
	var services []string
	for _, svc := range app.Services {
		names[svc.Name] = svc.Name
		services = append(services, svc.Name)
	}
	for _, name := range slices.Sorted(maps.Keys(s.dataSources)) {
		d := s.dataSources[name]
		if !slices.Contains(services, name) {
			hint := ""
			if near := source.Nearest(name, services); near != "" {
				hint = `did you mean "` + near + `"?`
			}
			ds.Error(d.span, CodeUnknownService, hint, "the app has no data source %s", source.Quote(name))
			continue
		}
		for _, alias := range d.aliases {
			if taken, ok := names[alias.Str]; ok {
				ds.Error(alias.Span, CodeAliasTaken, "", "the name %s stands for the data source %s already", source.Quote(alias.Str), source.Quote(taken))
				continue
			}
			names[alias.Str] = name
		}
	}
	return names
}

// hasDatabase leaves out what is never read: a data lake has no rules.
func hasDatabase(s *config.Service) bool { return s.Type != "datalake" }

// clusterOf names the cluster of a service. One that is not known is no other's.
func clusterOf(s *config.Service) string {
	if s.ClusterName == "" {
		return "service " + s.Name
	}
	return "cluster " + s.ClusterName
}
