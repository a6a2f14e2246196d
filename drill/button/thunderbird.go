package button

import (
	"archive/zip"
	"bytes"
	"encoding/json"
	"fmt"
)

// background is the whole program of the extension: it fetches nothing, and asks for no more than to read the open mail and to write a new one.
const background = `"use strict";
messenger.messageDisplayAction.onClicked.addListener(async (tab) => {
  const mail = await messenger.messageDisplay.getDisplayedMessage(tab.id);
  if (mail) {
    await messenger.compose.beginForward(mail.id, "forwardAsAttachment", { to: [reportTo] });
  }
});
`

// Thunderbird is an extension (.xpi) for Thunderbird 102 and later, manifest version 2, which all of them take.
func (s Spec) Thunderbird() ([]byte, error) {
	if err := s.check(); err != nil {
		return nil, err
	}
	to, err := json.Marshal(s.ReportTo)
	if err != nil {
		return nil, fmt.Errorf("write the report address: %w", err)
	}
	icons := map[string]string{}
	files := []struct {
		name string
		body []byte
	}{{"background.js", []byte(background)}, {"address.js", fmt.Appendf(nil, "\"use strict\";\nconst reportTo = %s;\n", to)}}
	for _, size := range []int{16, 32, 48, 64, 128} {
		body, err := Icon(size)
		if err != nil {
			return nil, err
		}
		name := fmt.Sprintf("icon-%d.png", size)
		icons[fmt.Sprint(size)] = name
		files = append(files, struct {
			name string
			body []byte
		}{name, body})
	}
	manifest, err := json.MarshalIndent(map[string]any{
		"manifest_version": 2, "name": "__MSG_name__", "version": s.version(), "description": "__MSG_tells__", "author": s.hospital(), "default_locale": "ja",
		"browser_specific_settings": map[string]any{"gecko": map[string]string{"id": "{" + s.id() + "}", "strict_min_version": "102.0"}},
		"permissions":               []string{"compose", "messagesRead"},
		"icons":                     icons,
		"background":                map[string]any{"scripts": []string{"address.js", "background.js"}},
		"message_display_action":    map[string]any{"default_title": "__MSG_name__", "default_icon": icons},
		"content_security_policy":   "default-src 'none'; script-src 'self'; object-src 'none'; img-src 'self'",
	}, "", "  ")
	if err != nil {
		return nil, fmt.Errorf("write the manifest: %w", err)
	}
	var out bytes.Buffer
	z := zip.NewWriter(&out)
	put := func(name string, body []byte) {
		if err != nil {
			return
		}
		w, e := z.CreateHeader(&zip.FileHeader{Name: name, Method: zip.Deflate, Modified: s.Made.UTC()})
		if err = e; err == nil {
			_, err = w.Write(body)
		}
	}
	put("manifest.json", manifest)
	for _, f := range files {
		put(f.name, f.body)
	}
	for _, text := range [][3]string{{"en", "Report suspicious mail", "Makes a report to the hospital's desk with the open mail attached."},
		{"ja", "不審なメールを報告", "開いているメールを添付して、" + s.hospital() + "の担当に報告するメールを作ります。"}} {
		body, e := json.MarshalIndent(map[string]any{"name": map[string]string{"message": text[1]}, "tells": map[string]string{"message": text[2]}}, "", "  ")
		if e != nil {
			return nil, fmt.Errorf("write the extension's words: %w", e)
		}
		put("_locales/"+text[0]+"/messages.json", body)
	}
	if err == nil {
		err = z.Close()
	}
	if err != nil {
		return nil, fmt.Errorf("pack the extension: %w", err)
	}
	return out.Bytes(), nil
}
