package app

import (
	"context"
	"fmt"
	"path"
	"time"

	"kenshin/assess/inquiry"
	"kenshin/catalogue"
)

// forms asks the fictitious vendors for their forms; one has answered, and the hospital has not looked at it yet.
func (d *demo) forms(ctx context.Context) error {
	s := inquiry.SettingsKey().Default
	s.Base, s.Contact = "https://kaitou.example.jp", "情報システム室"
	if err := d.Inquiries.SaveSettings(ctx, d.facility, s); err != nil {
		return fmt.Errorf("say how forms are sent: %w", err)
	}
	letters, _, err := d.Inquiries.AskVendors(ctx, d.facility, nil, d.now.AddDate(0, 0, 14), "")
	if err != nil || len(letters) == 0 {
		return err
	}
	first := letters[0].Links[0]
	_, items, err := d.Inquiries.Items(ctx, first.Inquiry)
	if err != nil {
		return err
	}
	fill := inquiry.Filling{Answers: map[string]inquiry.Answer{}, By: "保守担当 山本", Company: letters[0].Name, Note: "二要素認証は次の更新で対応します。"}
	for n, i := range items {
		fill.Answers[i.ID] = inquiry.Answer{Reply: catalogue.Yes}
		if n%5 == 4 {
			fill.Answers[i.ID] = inquiry.Answer{Reply: catalogue.No, Target: d.now.AddDate(0, 3, 0).Format(time.DateOnly)}
		}
	}
	if _, err := d.Inquiries.Save(ctx, path.Base(first.Address), inquiry.Saving{Sheet: "1", Submit: true, Filling: fill}); err != nil {
		return fmt.Errorf("answer a vendor's form: %w", err)
	}
	return nil
}
