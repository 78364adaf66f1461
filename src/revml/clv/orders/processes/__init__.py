"""Purchase processes: how often a repeat buyer orders, and when it stops, by maximum likelihood.

Two stories of stopping: at an order (`at_orders`: BG/NBD, MBG/NBD, and MBG with Erlang rhythm) and at any time
(`any_time`: Pareto/NBD). All read counted patterns of x, t_x and T in weeks, and answer by one protocol
(`process.PurchaseProcess`). `revml.clv.orders.fitting` is the door.
"""
