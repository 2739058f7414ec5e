//! The main job, end to end, through real HTTP and WebSockets.

use crate::contact_centre;
use crate::server::Server;

#[tokio::test(flavor = "multi_thread")]
async fn a_contact_centre_has_all_its_tasks_done() {
    for database in crate::database::databases().await {
        let report = contact_centre::run(Server::start(&database.url).await, &[]).await;
        println!("{:?}: {report:?}", database.kind);
        assert!(report.rejected > 0 && report.timed_out > 0, "some were rejected, some ran out: {report:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_contact_centre_has_all_its_tasks_done_although_the_server_is_killed_three_times() {
    for database in crate::database::databases().await {
        let report = contact_centre::run(Server::start(&database.url).await, &[300, 900, 1_500]).await;
        println!("{:?}: {report:?}", database.kind);
    }
}
