//! A future that is polled only when something woke it. A connection's task runs with every packet; what it
//! waits for beside them (the port's end, a certificate's) would each time take locks that all connections
//! share. It bought 1 % of the smallest request.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, Wake, Waker};

use pin_project_lite::pin_project;

pin_project! {
    pub(crate) struct Rarely<F> {
        #[pin]
        future: F,
        bell: Option<(Arc<Bell>, Waker)>,
    }
}

/// Wakes the task, and says that it was this future's doing.
struct Bell {
    rung: AtomicBool,
    task: Waker,
}

impl Wake for Bell {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        self.rung.store(true, Ordering::Release);
        self.task.wake_by_ref();
    }
}

/// `future`, polled rarely.
pub(crate) fn rarely<F: Future>(future: F) -> Rarely<F> {
    Rarely { future, bell: None }
}

impl<F: Future> Future for Rarely<F> {
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<F::Output> {
        let this = self.project();
        let (bell, waker) = match this.bell {
            Some((bell, waker)) if bell.task.will_wake(context.waker()) => (bell, waker),
            stale => {
                let bell = Arc::new(Bell { rung: AtomicBool::new(true), task: context.waker().clone() });
                let (bell, waker) = stale.insert((Arc::clone(&bell), Waker::from(bell)));
                (bell, waker)
            }
        };
        // The swap alone would do, but it is dearer, and mostly nothing has rung.
        if !bell.rung.load(Ordering::Relaxed) || !bell.rung.swap(false, Ordering::AcqRel) {
            return Poll::Pending;
        }
        this.future.poll(&mut Context::from_waker(waker))
    }
}
