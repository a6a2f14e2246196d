package web

import (
	"strconv"

	"kenshin/drill/button"
	"kenshin/fault"
	"kenshin/web/page"
)

// reportSheet is the page that staff without a button get on paper.
func (v *visit) reportSheet() error {
	spec, err := v.s.Drills.Button(v.ctx, v.facility)
	if err != nil {
		return err
	}
	if spec.ReportTo == "" {
		return fault.New(fault.Invalid, "先に「不審なメールの報告先アドレス」を決めて保存してください。", "Enter and save where suspicious mails are reported first.")
	}
	s, err := v.s.Drills.Settings(v.ctx, v.facility)
	if err != nil {
		return err
	}
	contact := s.Contact
	if s.Extension != "" {
		contact = v.t("内線 %s", "Extension %s", s.Extension)
	}
	v.show(page.ReportSheetPage(v.shell(), spec, contact))
	return nil
}

// reportButton gives one of the button's files.
func (v *visit) reportButton() error {
	spec, err := v.s.Drills.Button(v.ctx, v.facility)
	if err != nil {
		return err
	}
	kind, body, err := spec.File(v.r.PathValue("file"))
	if err != nil {
		return err
	}
	h := v.w.Header()
	h.Set("Content-Type", kind)
	h.Set("Content-Length", strconv.Itoa(len(body)))
	h.Set("Cache-Control", "no-store")
	h.Set("Content-Disposition", download(v.r.PathValue("file")))
	_, _ = v.w.Write(body) // the reader went away
	return nil
}

// buttonFault says why there can be no button for Outlook, "" when there can.
func (v *visit) buttonFault() (string, error) {
	spec, err := v.s.Drills.Button(v.ctx, v.facility)
	if err != nil {
		return "", err
	}
	_, _, err = spec.File(button.OutlookFile)
	if fault.Is(err, fault.Invalid) {
		return v.says(err), nil
	}
	return "", err
}
