//! Generators for properties.

use proptest::prelude::*;
use twiceproof_model::moment::RequestMoment;
use twiceproof_model::schedule::{Directive, OrderedRequest, Until};
use twiceproof_model::{Fault, InstanceId, Phase, Schedule, Signature, Who};

/// Any instance.
pub fn instance() -> impl Strategy<Value = InstanceId> {
    (1..=twiceproof_model::name::INSTANCES_MAX)
        .prop_map(|number| InstanceId::new(number).expect("the range holds instances only"))
}

/// Masked request texts, hostile ones among them.
pub fn masked_text() -> impl Strategy<Value = String> {
    prop_oneof![
        "(SELECT|UPDATE|INSERT|DELETE) [a-z ,=?*()]{0,80}",
        "[ -~]{1,120}",
        "\\PC{1,40}",
        Just("COMMIT".to_owned()),
        Just("say \"hi\" \\ # * ?".to_owned()),
    ]
}

/// Any signature.
pub fn signature() -> impl Strategy<Value = Signature> {
    ("[a-z]{1,8}", masked_text(), 1..2000u32).prop_map(|(service, text, nth)| Signature {
        service: service.as_str().into(),
        text,
        nth,
    })
}

/// Any phase.
pub fn phase() -> impl Strategy<Value = Phase> {
    prop_oneof![
        Just(Phase::Held),
        Just(Phase::Answered),
        Just(Phase::Replied)
    ]
}

/// Any moment of a request.
pub fn request_moment() -> impl Strategy<Value = RequestMoment> {
    (signature(), phase()).prop_map(|(signature, phase)| RequestMoment::exact(&signature, phase))
}

fn until() -> impl Strategy<Value = Until> {
    prop_oneof![
        request_moment().prop_map(Until::Request),
        Just(Until::Exit),
        Just(Until::Blocked),
    ]
}

/// Any line of a schedule's body.
pub fn directive() -> impl Strategy<Value = Directive> {
    let kinds = ["kill", "pause", "resume", "lost-reply"];
    let fault = (prop::sample::select(kinds.to_vec()), instance())
        .prop_map(|(kind, who)| Directive::Fault(Fault::new(kind, Who::Instance(who))));
    prop_oneof![
        instance().prop_map(Directive::Start),
        (instance(), until()).prop_map(|(who, until)| Directive::Run(who, until)),
        fault,
    ]
}

/// Any request of an order.
fn ordered() -> impl Strategy<Value = OrderedRequest> {
    (instance(), signature()).prop_map(|(instance, signature)| OrderedRequest {
        instance,
        request: RequestMoment::exact(&signature, Phase::Replied),
    })
}

/// Any schedule of up to 40 lines.
pub fn schedule() -> impl Strategy<Value = Schedule> {
    let body = prop::collection::vec(directive(), 0..40);
    let orders = prop::collection::vec(prop::collection::vec(ordered(), 1..5), 0..3);
    (any::<u64>(), body, orders).prop_map(|(seed, body, orders)| Schedule {
        seed,
        body,
        orders,
        ..Schedule::default()
    })
}
