package web

import (
	"bytes"
	"context"
	"mime/multipart"
	"net/http"
	"strings"
	"testing"

	"kenshin/store"
	"kenshin/trail"
)

// verify sends the form of the trail page.
func (b *browser) verify(text, file string) got {
	b.s.t.Helper()
	var body bytes.Buffer
	w := multipart.NewWriter(&body)
	b.s.must(w.WriteField("checkpoint", text))
	if file != "" {
		part, err := w.CreateFormFile("file", "checkpoint.txt")
		b.s.must(err)
		_, err = part.Write([]byte(file))
		b.s.must(err)
	}
	b.s.must(w.Close())
	r, err := http.NewRequest(http.MethodPost, b.base+"/trail/verify", &body)
	b.s.must(err)
	r.Header.Set("Content-Type", w.FormDataContentType())
	return b.send(r)
}

func TestTrail(t *testing.T) {
	s := openSite(t, nil)
	b, _, _ := s.setUp()
	b.get("/trail").is(200, "サインインしました", "佐藤 恵", "施設を登録しました")
	b.get("/trail?what=facility.").is(200, "施設を登録しました", "!>サインインしました")
	b.get("/trail?who=%E4%BD%90%E8%97%A4").is(200, "サインインしました")
	b.get("/trail?who=sato@").is(200, "サインインしました")
	b.get("/trail?who=nobody").is(200, "この条件の記録はありません")
	b.get("/trail?from=2001-01-01&to=2001-01-02").is(200, "この条件の記録はありません")
	b.get("/trail?before=x&what=%27%3B").is(200)

	file := b.get("/trail/checkpoint").is(200, "BEGIN KENSHIN CHECKPOINT")
	if at := file.header.Get("Content-Disposition"); !strings.HasPrefix(at, `attachment; filename="kenshin-checkpoint-`) {
		t.Errorf("Content-Disposition %q", at)
	}
	b.verify("", "").is(200, "すべてを確かめました", "保管してある封と比べると")
	b.verify(file.body, "").is(200, "封とも合っています")
	b.verify("", strings.ReplaceAll(file.body, "\n", "\r\n")).is(200, "封とも合っています")
	b.verify("something else", "").is(422, "封(チェックポイント)として読めません")

	export := b.get("/trail/export?format=ndjson").is(200)
	key, err := trail.VerifierKey(context.Background(), s.DB, s.Box, s.facility(), s.Now())
	s.must(err)
	report, err := trail.VerifyExport(strings.NewReader(export.body), []byte(file.body), key)
	if err != nil || !report.OK() {
		t.Errorf("the export does not fit its checkpoint: %v %+v", err, report.Findings)
	}
	b.get("/trail/export?format=csv").is(200, "trail.export")
	b.get("/trail/export?format=exe").is(422)

	// Kept daily checkpoints are printed again.
	b.get("/trail/seals").is(200, "まだ封がありません")
	s.must(s.DB.Write(context.Background(), s.facility(), func(tx *store.Tx) error {
		_, err := trail.KeepDaily(context.Background(), tx, "2026-11-20", file.body, s.Now())
		return err
	}))
	b.get("/trail/seals").is(200, "2026年11月20日", "BEGIN KENSHIN CHECKPOINT")
	b.get("/trail/seals/2026-11-20").is(200, key[:20])
	b.get("/trail/seals/2026-11-19").is(404)

	// An edit behind our back is found.
	s.must(s.DB.Write(context.Background(), s.facility(), func(tx *store.Tx) error {
		_, err := tx.Exec(context.Background(), "UPDATE trail_entries SET actor_name = $2 WHERE facility_id = $1 AND seq = 1", "somebody else")
		return err
	}))
	b.verify(file.body, "").is(200, "記録に食い違いがあります")
}
