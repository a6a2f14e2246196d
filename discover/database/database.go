// Package database hears which database answers and whether it lets anybody in. No password is tried and no data is read.
package database

import (
	"context"

	"kenshin/discover/internal/talk"
	"kenshin/gate"
	"kenshin/observation"
)

// maxMessage is the longest message that is taken from a server.
const maxMessage = 16 * 1024

// MySQL, Postgres, Redis and MSSQL connect and hold the conversation. They return tcp.open and db.greeting.
func MySQL(ctx context.Context, h *gate.Host, port uint16) ([]observation.Observation, error) {
	return talk.With(ctx, h, port, gate.DatabaseHello, TalkMySQL)
}

func Postgres(ctx context.Context, h *gate.Host, port uint16) ([]observation.Observation, error) {
	return talk.With(ctx, h, port, gate.DatabaseHello, TalkPostgres)
}

func Redis(ctx context.Context, h *gate.Host, port uint16) ([]observation.Observation, error) {
	return talk.With(ctx, h, port, gate.DatabaseHello, TalkRedis)
}

func MSSQL(ctx context.Context, h *gate.Host, port uint16) ([]observation.Observation, error) {
	return talk.With(ctx, h, port, gate.DatabaseHello, TalkMSSQL)
}

func greeting(value string, raw []byte, detail ...string) []observation.Observation {
	return []observation.Observation{{Signal: observation.Database, Value: value, Raw: raw, Detail: talk.Detail(detail...)}}
}
