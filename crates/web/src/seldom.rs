//! What a connection waits for beside its requests, and nearly never gets: the end of the server.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, Wake, Waker};

use atomic_waker::AtomicWaker;

/// A future that is asked again only after it was woken. Beside another one it is asked at each of the other's wakes too, which
/// for a token that all connections share means its locks, at each request, on all cores.
pub(crate) struct Seldom<F> {
    future: F,
    alarm: Arc<Alarm>,
    waker: Waker,
}

/// Between whoever wakes the future and the task that it is part of.
struct Alarm {
    rung: AtomicBool,
    task: AtomicWaker,
}

impl Wake for Alarm {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        self.rung.store(true, Ordering::Release);
        self.task.wake();
    }
}

impl<F> Seldom<F> {
    pub(crate) fn new(future: F) -> Self {
        let alarm = Arc::new(Alarm { rung: AtomicBool::new(true), task: AtomicWaker::new() });
        let waker = Waker::from(Arc::clone(&alarm));
        Self { future, alarm, waker }
    }
}

impl<F: Future + Unpin> Future for Seldom<F> {
    type Output = F::Output;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        let this = &mut *self;
        // First, so that an alarm between the two is not lost. The task has its connection to itself: this is no lock that others want.
        this.alarm.task.register(cx.waker());
        if !this.alarm.rung.load(Ordering::Acquire) {
            return Poll::Pending;
        }
        // Before the question, so that an alarm during it leads to another one.
        this.alarm.rung.swap(false, Ordering::AcqRel);
        Pin::new(&mut this.future).poll(&mut Context::from_waker(&this.waker))
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;
    use std::future::poll_fn;
    use std::pin::pin;
    use std::task::Waker;

    use tokio::sync::Notify;

    use super::*;

    #[test]
    fn it_is_asked_once_and_then_when_woken() {
        let (asked, inner) = (Cell::new(0), Cell::new(None::<Waker>));
        let mut seldom = pin!(Seldom::new(Box::pin(poll_fn(|cx| {
            asked.set(asked.get() + 1);
            inner.set(Some(cx.waker().clone()));
            if asked.get() == 2 { Poll::Ready("done") } else { Poll::Pending }
        }))));
        let mut cx = Context::from_waker(Waker::noop());
        for _ in 0..3 {
            assert!(seldom.as_mut().poll(&mut cx).is_pending());
        }
        assert_eq!(asked.get(), 1);
        inner.take().unwrap().wake();
        assert_eq!(seldom.as_mut().poll(&mut cx), Poll::Ready("done"));
    }

    #[tokio::test]
    async fn its_task_is_woken_wherever_it_is_by_then() {
        let (notify, other) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
        let waiting = {
            let (notify, other) = (Arc::clone(&notify), Arc::clone(&other));
            tokio::spawn(async move {
                let mut seldom = pin!(Seldom::new(Box::pin(notify.notified())));
                let mut wakes = 0;
                loop {
                    tokio::select! {
                        biased;
                        () = &mut seldom => return wakes,
                        () = other.notified() => wakes += 1,
                    }
                }
            })
        };
        other.notify_one();
        tokio::task::yield_now().await;
        notify.notify_one();
        assert!(waiting.await.unwrap() <= 1);
    }
}
