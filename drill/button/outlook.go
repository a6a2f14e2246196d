package button

import (
	"bytes"
	"encoding/xml"
	"fmt"
	"net/url"
	"strings"
	"text/template"

	"kenshin/fault"
)

// Paths are where the pages of a facility's Outlook button are, below the base.
const Paths = "/-/report/"

// page is the address of the page behind the button.
func (s Spec) page() string {
	return fmt.Sprintf("%s%s%08x/outlook", strings.TrimRight(s.Base, "/"), Paths, s.Door)
}

// IconPath is where the icon of a size is, below the base.
func IconPath(size int) string { return fmt.Sprintf("/-/report/icon-%d.png", size) }

// Outlook is a manifest (add-in only, XML) that a Microsoft 365 or Exchange administrator deploys. Elements stand in the order that Microsoft's schema
// demands (appforoffice 1.1, mailappversionoverrides 1.0). The button needs Mailbox 1.6: a new mail with a mail attached.
func (s Spec) Outlook() ([]byte, error) {
	if err := s.check(); err != nil {
		return nil, err
	}
	u, err := url.Parse(s.Base)
	if err != nil || u.Scheme != "https" || u.Host == "" {
		return nil, fault.New(fault.Invalid, "Outlookのボタンには、https:// で始まる「リンクの行き先のアドレス」が要ります。設定してから、もう一度ダウンロードしてください。",
			"The Outlook button needs an address of links that begins with https://. Set it and download again.")
	}
	base := strings.TrimRight(s.Base, "/")
	var out bytes.Buffer
	err = outlook.Execute(&out, map[string]string{"id": s.id(), "version": s.version(), "hospital": s.hospital(), "base": base, "page": s.page(), "origin": u.Scheme + "://" + u.Host,
		"to": s.ReportTo, "icon16": base + IconPath(16), "icon32": base + IconPath(32), "icon64": base + IconPath(64), "icon80": base + IconPath(80), "icon128": base + IconPath(128)})
	if err != nil {
		return nil, fmt.Errorf("write the manifest: %w", err)
	}
	return out.Bytes(), nil
}

func escaped(s string) (string, error) {
	var out strings.Builder
	err := xml.EscapeText(&out, []byte(s))
	return out.String(), err
}

var outlook = template.Must(template.New("outlook").Funcs(template.FuncMap{"x": escaped}).Parse(`<?xml version="1.0" encoding="UTF-8"?>
<OfficeApp xmlns="http://schemas.microsoft.com/office/appforoffice/1.1" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xmlns:bt="http://schemas.microsoft.com/office/officeappbasictypes/1.0" xsi:type="MailApp">
  <Id>{{x .id}}</Id>
  <Version>{{x .version}}</Version>
  <ProviderName>{{x .hospital}}</ProviderName>
  <DefaultLocale>ja-JP</DefaultLocale>
  <DisplayName DefaultValue="不審なメールを報告"><Override Locale="en-US" Value="Report a suspicious mail"/></DisplayName>
  <Description DefaultValue="開いているメールを添付して、{{x .hospital}}の担当に報告するメールを作ります。"><Override Locale="en-US" Value="Makes a mail to the hospital's desk with the open mail attached."/></Description>
  <IconUrl DefaultValue="{{x .icon64}}"/>
  <HighResolutionIconUrl DefaultValue="{{x .icon128}}"/>
  <SupportUrl DefaultValue="{{x .base}}/verify"/>
  <AppDomains>
    <AppDomain>{{x .origin}}</AppDomain>
  </AppDomains>
  <Hosts>
    <Host Name="Mailbox"/>
  </Hosts>
  <Requirements>
    <Sets>
      <Set Name="Mailbox" MinVersion="1.6"/>
    </Sets>
  </Requirements>
  <FormSettings>
    <Form xsi:type="ItemRead">
      <DesktopSettings>
        <SourceLocation DefaultValue="{{x .page}}"/>
        <RequestedHeight>200</RequestedHeight>
      </DesktopSettings>
    </Form>
  </FormSettings>
  <Permissions>ReadItem</Permissions>
  <Rule xsi:type="ItemIs" ItemType="Message" FormType="Read"/>
  <DisableEntityHighlighting>true</DisableEntityHighlighting>
  <VersionOverrides xmlns="http://schemas.microsoft.com/office/mailappversionoverrides" xsi:type="VersionOverridesV1_0">
    <Requirements>
      <bt:Sets DefaultMinVersion="1.6">
        <bt:Set Name="Mailbox"/>
      </bt:Sets>
    </Requirements>
    <Hosts>
      <Host xsi:type="MailHost">
        <DesktopFormFactor>
          <FunctionFile resid="page"/>
          <ExtensionPoint xsi:type="MessageReadCommandSurface">
            <OfficeTab id="TabDefault">
              <Group id="kenshinReportGroup">
                <Label resid="group"/>
                <Control xsi:type="Button" id="kenshinReportButton">
                  <Label resid="label"/>
                  <Supertip>
                    <Title resid="label"/>
                    <Description resid="tip"/>
                  </Supertip>
                  <Icon>
                    <bt:Image size="16" resid="icon16"/>
                    <bt:Image size="32" resid="icon32"/>
                    <bt:Image size="80" resid="icon80"/>
                  </Icon>
                  <Action xsi:type="ExecuteFunction">
                    <FunctionName>reportMail</FunctionName>
                  </Action>
                </Control>
              </Group>
            </OfficeTab>
          </ExtensionPoint>
        </DesktopFormFactor>
      </Host>
    </Hosts>
    <Resources>
      <bt:Images>
        <bt:Image id="icon16" DefaultValue="{{x .icon16}}"/>
        <bt:Image id="icon32" DefaultValue="{{x .icon32}}"/>
        <bt:Image id="icon80" DefaultValue="{{x .icon80}}"/>
      </bt:Images>
      <bt:Urls>
        <bt:Url id="page" DefaultValue="{{x .page}}"/>
      </bt:Urls>
      <bt:ShortStrings>
        <bt:String id="group" DefaultValue="報告"><bt:Override Locale="en-US" Value="Report"/></bt:String>
        <bt:String id="label" DefaultValue="不審なメールを報告"><bt:Override Locale="en-US" Value="Report suspicious mail"/></bt:String>
      </bt:ShortStrings>
      <bt:LongStrings>
        <bt:String id="tip" DefaultValue="このメールを添付した報告のメールを作ります。送信を押すと担当に届きます。"><bt:Override Locale="en-US" Value="Makes a report with this mail attached. Press Send and the desk gets it."/></bt:String>
      </bt:LongStrings>
    </Resources>
  </VersionOverrides>
</OfficeApp>
`))
