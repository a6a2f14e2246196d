package app

import (
	"context"
	"fmt"
	"path"
	"slices"
	"time"

	"kenshin/assess/inquiry"
	"kenshin/catalogue"
)

// The vendors who answer and refuse.
const (
	demoAnswers = "見本電子カルテ株式会社"
	demoRefuses = "みほん調剤機器株式会社"
)

// forms asks the fictitious vendors for their forms; one has answered, and the hospital has not looked at it yet; one refused.
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
	for _, l := range letters {
		if l.Name == demoRefuses {
			if err := d.Inquiries.Decline(ctx, path.Base(l.Links[0].Address), "点検表への回答は、保守契約に含まれていません。", "営業 見本"); err != nil {
				return fmt.Errorf("refuse a vendor's form: %w", err)
			}
		}
	}
	n := slices.IndexFunc(letters, func(l inquiry.Letter) bool { return l.Name == demoAnswers })
	if n < 0 {
		return missing("業者", demoAnswers)
	}
	first := letters[n].Links[0]
	_, items, err := d.Inquiries.Items(ctx, first.Inquiry)
	if err != nil {
		return err
	}
	fill := inquiry.Filling{Answers: map[string]inquiry.Answer{}, By: "保守担当 山本", Company: letters[n].Name, Note: "二要素認証は次の更新で対応します。"}
	for k, i := range items {
		fill.Answers[i.ID] = inquiry.Answer{Reply: catalogue.Yes}
		if k%5 == 4 {
			fill.Answers[i.ID] = inquiry.Answer{Reply: catalogue.No, Target: d.now.AddDate(0, 3, 0).Format(time.DateOnly)}
		}
	}
	if _, err := d.Inquiries.Save(ctx, path.Base(first.Address), inquiry.Saving{Sheet: "1", Submit: true, Filling: fill}); err != nil {
		return fmt.Errorf("answer a vendor's form: %w", err)
	}
	return nil
}
