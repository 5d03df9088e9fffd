// Dialogs, and the drawer for details. Radix keeps the focus inside and gives it back; the page behind is held still by
// an attribute of our own, since Radix's overlay writes a style element, which the policy of the page forbids.
import { X } from "lucide-react";
import { Dialog as Radix } from "radix-ui";
import { type ReactNode, useEffect } from "react";
import { cx } from "@/lib/cx";

export interface OverlayProps {
  open: boolean;
  onClose: () => void;
  title: ReactNode;
  /** A sentence under the title. */
  description?: ReactNode;
  children?: ReactNode;
  /** Buttons at the end. */
  footer?: ReactNode;
  className?: string;
}

let open_ = 0;
function useStillPage(open: boolean) {
  useEffect(() => {
    if (!open) return;
    open_ += 1;
    document.body.dataset.locked = "";
    return () => {
      open_ -= 1;
      if (open_ === 0) delete document.body.dataset.locked;
    };
  }, [open]);
}

function Overlay({ open, onClose, title, description, children, footer, className }: OverlayProps) {
  useStillPage(open);
  return (
    <Radix.Root open={open} onOpenChange={(next) => !next && onClose()}>
      <Radix.Portal>
        <div aria-hidden className="fixed inset-0 z-40 bg-[rgb(8_10_16/0.5)]" />
        <Radix.Content
          {...(description ? {} : { "aria-describedby": undefined })}
          className={cx("fixed z-50 flex flex-col border border-line bg-raised shadow-pop outline-none", className)}
        >
          <header className="flex items-start gap-3 border-b border-line px-4 py-3">
            <div className="min-w-0 flex-1">
              <Radix.Title className="font-semibold break-words">{title}</Radix.Title>
              {description && <Radix.Description className="text-sm text-muted">{description}</Radix.Description>}
            </div>
            {/* Without a tooltip: it would take the Escape that is meant for the dialog. */}
            <Radix.Close
              aria-label="Close"
              className="inline-flex size-7 shrink-0 items-center justify-center rounded-md text-muted hover:bg-hover hover:text-text"
            >
              <X className="size-4" aria-hidden />
            </Radix.Close>
          </header>
          {/* Scrolls, so it must be reachable by keyboard. */}
          <div className="min-h-0 flex-1 overflow-y-auto overscroll-contain p-4" tabIndex={0}>
            {children}
          </div>
          {footer && (
            <footer className="flex flex-wrap justify-end gap-2 border-t border-line px-4 py-3">{footer}</footer>
          )}
        </Radix.Content>
      </Radix.Portal>
    </Radix.Root>
  );
}

/** A question or a short form, in the middle. */
export function Dialog({ wide = false, ...props }: OverlayProps & { wide?: boolean }) {
  return (
    <Overlay
      {...props}
      className={cx(
        "top-1/2 left-1/2 max-h-[90dvh] w-[calc(100vw-2rem)] -translate-x-1/2 -translate-y-1/2 rounded-xl animate-appear",
        wide ? "max-w-3xl" : "max-w-lg",
        props.className,
      )}
    />
  );
}

/** Details of a row, from the right; the whole screen on a phone. */
export function Drawer(props: OverlayProps) {
  return (
    <Overlay
      {...props}
      className={cx("inset-y-0 right-0 w-full max-w-2xl animate-slide max-sm:border-0", props.className)}
    />
  );
}
