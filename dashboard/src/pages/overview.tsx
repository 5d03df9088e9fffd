// The landing page: whether the API is under attack, in words; then the figures that say so, live. Who belongs to a
// tenant sees the same of the tenant's traffic, and nothing of the process that serves others, too.
import { useRange } from "@/lib/range";
import { useMe } from "@/shell/session";
import { Page, TimeRange } from "@/ui";
import { Banner } from "./overview/banner";
import { AddressesCard, AlertsCard, KindsCard, LevelsCard, ResourcesCard, TrafficCard } from "./overview/cards";
import { FALLBACK, ONLY, useFreshSums } from "./overview/data";
import { Figures, TenantFigures } from "./overview/figures";
import { Stream } from "./overview/stream";

export default function Overview() {
  const [range] = useRange(FALLBACK);
  const { tenant } = useMe();
  useFreshSums();
  return (
    <Page title="Overview" actions={<TimeRange fallback={FALLBACK} only={ONLY} />}>
      <Banner range={range} />
      {tenant ? <TenantFigures range={range} /> : <Figures range={range} />}
      <div className="grid grid-cols-3 items-start gap-4 max-lg:grid-cols-1">
        <div className="col-span-2 flex min-w-0 flex-col gap-4 self-stretch max-lg:col-span-1">
          <TrafficCard range={range} />
          <Stream />
        </div>
        <div className="flex min-w-0 flex-col gap-4">
          <AlertsCard />
          <LevelsCard range={range} />
          <KindsCard range={range} />
        </div>
        <div className="col-span-2 min-w-0 max-lg:col-span-1">
          <AddressesCard range={range} />
        </div>
        {!tenant && <ResourcesCard />}
      </div>
    </Page>
  );
}
