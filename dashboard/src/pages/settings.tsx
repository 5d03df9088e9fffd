// Settings: what becomes of requests, what was changed and how to go back, and who may use this console.
import { useMay, useMe } from "@/shell/session";
import { Page, type Tab, Tabs } from "@/ui";
import { Account } from "./settings/account";
import { Everything } from "./settings/everything";
import { History } from "./settings/history";
import { Policies } from "./settings/policies";
import { Sessions } from "./settings/sessions";
import { Tokens } from "./settings/tokens";
import { Users } from "./settings/users";

export default function SettingsPage() {
  const admin = useMay("admin");
  const { tenant } = useMe();
  const tabs: Tab[] = [
    // Who belongs to a tenant changes nothing that holds for everybody, and does not see it either.
    ...(tenant
      ? []
      : [
          { value: "protection", label: "Protection", content: <Policies /> },
          { value: "history", label: "History", content: <History /> },
        ]),
    ...(admin && !tenant ? [{ value: "users", label: "Users", content: <Users /> }] : []),
    { value: "tokens", label: "API tokens", content: <Tokens /> },
    { value: "sessions", label: "Sessions", content: <Sessions /> },
    { value: "account", label: "Your account", content: <Account /> },
    ...(tenant ? [] : [{ value: "everything", label: "Everything", content: <Everything /> }]),
  ];
  return (
    <Page title="Settings" hint={admin && !tenant ? undefined : "An admin can change what you see here."}>
      <Tabs tabs={tabs} url="tab" label="Settings" />
    </Page>
  );
}
